"""What a report is made of, gathered as its sections are."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from analysis.figures import Figure, in_order, save
from analysis.report.page import Picture, fitted
from analysis.results.anchors import anchors_for
from analysis.results.load import load_study
from analysis.search.trials import Trials, trials_of
from analysis.tables.entries import MOST_ROWS, Table, first
from analysis.tables.provenance_tables import reservations
from analysis.tables.rows import rows_of

T = TypeVar("T")
Kept = dict[str, tuple[str, Picture]]
"""Pictures of an earlier report of the same study, by figure, each with what it shows in words and numbers."""


class Contents:
    """What a report gathers on its way: the study, its rows, tables and pictures, and what went wrong."""

    def __init__(self, folder: Path, out: Path, kept: Kept | None = None) -> None:
        self._kept = kept
        self.study = load_study(folder)
        self.out = out
        self.failed: list[str] = []
        """Parts that could not be made, and why."""
        self.anchors = anchors_for(self.study)
        self.trials = self.attempt("the search", lambda: trials_of(self.study))
        """A search's; why they cannot be shown, or None for a grid."""
        numbers = {t.cell_id: t.number for t in self.trials.best_first} if isinstance(self.trials, Trials) else {}
        self.names = self.study.names | {cell_id: f"trial {n}" for cell_id, n in numbers.items()}
        """cell_id -> what figures and tables call the cell, in the order of both."""
        self.rows = rows_of(self.study.members, self.anchors, trials=numbers)
        self.reservations = reservations(self.study.members)
        self.tables: list[Table] = []
        self.pictures: dict[str, Picture] = {}

    @property
    def problems(self) -> list[str]:
        """All that a reader has to be told of the files and of the report itself."""
        return [*self.study.problems, *self.failed]

    def attempt(self, what: str, make: Callable[[], T]) -> T | None:
        """Make a part; where that fails say so, and go on with the rest."""
        try:
            return make()
        except Exception as error:
            reason = (str(error).splitlines() or [""])[0]
            self.failed.append(f"{what} could not be made: {type(error).__name__}: {reason}")
            return None

    def keep(self, *made: Table | None, most: int = MOST_ROWS, of_runs: bool = True) -> tuple[Table, ...]:
        """Enter tables among the report's files; as the page has them, with so many rows at most.

        Each says which of the study's runs cannot be trained again, where the table rests on runs.
        """
        notes = self.reservations if of_runs else ()
        found = [replace(t, notes=(*t.notes, *notes)) for t in made if t is not None]
        self.tables += found
        return tuple(first(t, most) for t in found)

    def pick(self, section: str) -> tuple[Picture, ...]:
        """The section's figures that the study has something of."""
        return tuple(self.pictures[f.name] for f in in_order() if f.section == section and f.name in self.pictures)

    def draw(self) -> None:
        """Every figure that the study has something of, as files and for the page; those of an earlier report go."""
        fitting = [f for f in in_order() if f.of_searches or not self.study.is_search]
        pictures = [p for f in fitting if (p := self.attempt(f.name, partial(self._draw, f)))]
        self.pictures = {p.name: p for p in fitted(pictures)}
        for figure in in_order():
            if figure.name not in self.pictures:
                for ending in ("png", "pdf"):
                    (self.out / f"{figure.name}.{ending}").unlink(missing_ok=True)

    def _draw(self, figure: Figure) -> Picture | None:
        drawn = figure.draw(self.study)
        if drawn is None:
            return None
        shows = " ".join([drawn.alt, *drawn.missing, *drawn.cautions])
        if self._kept is not None and self._kept.get(figure.name, ("",))[0] == shows:
            return self._kept[figure.name][1]
        if self._kept is None:
            save(drawn, self.out, figure.name)
        else:
            save(drawn, self.out, figure.name, pdf=False)
        png = (self.out / f"{figure.name}.png").read_bytes()
        title = f"{figure.name.replace('-', ' ').capitalize()}: " if figure.name.startswith("figure-") else ""
        made = Picture(figure.name, title + figure.title, drawn.alt, png, drawn.missing, drawn.cautions)
        if self._kept is not None:
            self._kept[figure.name] = shows, made
        return made
