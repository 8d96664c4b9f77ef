"""What a claim compares: each comparison gives a p for and a p against."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd

from analysis.claims.evidence import Evidence, Measure, Sample, sample_of
from analysis.statistics import hypotheses
from analysis.statistics.hypotheses import ALPHA, Estimate
from binarygan.paper import Cell


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one comparison."""

    lines: tuple[str, ...]
    """Values, intervals, p: one line each."""
    p_for: float = math.nan
    """p of the hypothesis that the claim is wrong: a small p speaks for the claim. NaN where there is no test."""
    p_against: float = math.nan
    """p of the hypothesis that the claim is right: a small p speaks against the claim."""
    exact: bool = False
    """Whether it was counted rather than tested; then each p is 0 or 1."""
    missing: tuple[str, ...] = ()
    """Configurations that the study lacks, each with the reason."""
    single: tuple[str, ...] = ()
    """Configurations with fewer than two finished seeds, which cannot be tested."""


class Comparison(Protocol):
    """What every comparison offers."""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The configurations that it compares."""

    def find(self, evidence: Evidence) -> Finding:
        """Compare them."""


@dataclass(frozen=True, kw_only=True)
class Similar:
    """The measure of two configurations is the same within a factor: TOST on the difference of the logarithms."""

    cells: tuple[Cell, Cell]
    measure: Measure
    factor: float

    def find(self, evidence: Evidence) -> Finding:
        """Test for the ratio being within the factor, and against: for its being outside."""
        a, b = (sample_of(evidence, cell, self.measure) for cell in self.cells)
        estimate = hypotheses.difference(np.log(a.values), np.log(b.values))
        margin = math.log(self.factor)
        better = a if estimate.value < 0 else b
        blocked = ["for"] if a.counts["diverged"] or b.counts["diverged"] else []
        blocked += ["against"] if better.counts["diverged"] else []
        ps = estimate.p_within(margin), estimate.p_beyond(margin)
        return _finding(self.measure, (a, b), estimate, ps, f"within a factor of {self.factor:g}", blocked)


@dataclass(frozen=True, kw_only=True)
class Exceeds:
    """The measure of the first of two configurations is above that of the second by more than a threshold: Welch's
    test, one-sided."""

    cells: tuple[Cell, Cell]
    measure: Measure
    by: float
    """A difference; where the measure is compared as a ratio, a factor."""
    ending: str = ""

    def find(self, evidence: Evidence) -> Finding:
        """Test for a lead of more than the threshold, and against: for a smaller lead, or none."""
        a, b = (sample_of(evidence, cell, self.measure, ending=self.ending) for cell in self.cells)
        scale = self.measure.scale
        estimate, threshold = hypotheses.difference(scale(a.values), scale(b.values)), float(scale(self.by))
        blocked = []
        if self.measure.quality:
            blocked = [side for side, better in (("for", b), ("against", a)) if better.counts["diverged"]]
        asked = f"more than {'×' if self.measure.log else ''}{self.by:g}"
        ps = estimate.p_above(threshold), estimate.p_below(threshold)
        found = _finding(self.measure, (a, b), estimate, ps, asked, blocked)
        if found.p_against < ALPHA and estimate.p_above(0.0) < ALPHA:
            found = replace(found, lines=(f"{found.lines[0]}: there is a difference, and it is smaller",))
        return found


@dataclass(frozen=True, kw_only=True)
class Level:
    """The measure of a configuration is above (or below) a threshold: one-sample t test over seeds, one-sided."""

    cells: tuple[Cell]
    measure: Measure
    threshold: float
    above: bool
    error_column: str | None = None
    """The column of each run's measurement error, which is used where the seeds scatter less than it."""

    def find(self, evidence: Evidence) -> Finding:
        """Test for the side that the claim names, and against: for the other side."""
        sample = sample_of(evidence, self.cells[0], self.measure, error_column=self.error_column)
        estimate = hypotheses.level(self.measure.scale(sample.values), sample.errors)
        threshold = float(self.measure.scale(self.threshold))
        above, below = estimate.p_above(threshold), estimate.p_below(threshold)
        ps, side = ((above, below), "above") if self.above else ((below, above), "below")
        return _finding(self.measure, (sample,), estimate, ps, f"{side} {self.threshold:.3g}")


@dataclass(frozen=True)
class Together:
    """Several signs of one thing: all of them have to speak for the claim, or all against it."""

    parts: tuple[Comparison, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Those of all parts."""
        return tuple(cell for part in self.parts for cell in part.cells)

    def find(self, evidence: Evidence) -> Finding:
        """The largest p of the parts, for and against (an intersection-union test); NaN where one part has none."""
        findings = [part.find(evidence) for part in self.parts]
        return Finding(
            lines=tuple(line for f in findings for line in f.lines),
            p_for=float(np.max([f.p_for for f in findings])),
            p_against=float(np.max([f.p_against for f in findings])),
            missing=tuple(m for f in findings for m in f.missing),
            single=tuple(s for f in findings for s in f.single),
        )


@dataclass(frozen=True, kw_only=True)
class Trained:
    """Every run of the configurations learned to make digits. The runs are counted: three seeds are too few to test a
    share.

    A run has learned it where it is done, its samples cover all classes, and their coverage shows that they are digits
    at all. A run that diverged has not. A run that failed or was stopped early leaves the question open.
    """

    cells: tuple[Cell, ...]
    classes: int
    coverage: float

    def find(self, evidence: Evidence) -> Finding:
        """For: all runs of each configuration, at least two. Against: fewer than half of the runs that tell, in any."""
        lines, missing = [], []
        all_trained, few_trained = True, False
        for cell in self.cells:
            classes = sample_of(evidence, cell, Measure(name="classes", columns=("classes_covered",)))
            if classes.missing:
                missing.append(f"{classes.name} ({classes.missing})")
                continue
            trained, ended, open_ = self._count(evidence, cell)
            all_trained &= trained == ended + open_ and ended > 1
            few_trained |= ended > 1 and trained < ended / 2
            others = [f"{n} {status}" for status, n in classes.counts.items() if n and status != "done"]
            kinds = f" ({', '.join(others)})" if others else ""
            lines.append(f"{trained} of {ended + open_} runs of {classes.name} trained to digits{kinds}")
        return Finding(
            lines=tuple(lines),
            p_for=0.0 if all_trained else math.nan,
            p_against=0.0 if few_trained else math.nan,
            exact=True,
            missing=tuple(missing),
        )

    def _count(self, evidence: Evidence, cell: Cell) -> tuple[int, int, int]:
        """How many runs learned it; how many tell (done with numbers, or diverged); how many ended and do not tell."""
        rows = evidence.rows(cell)
        done, diverged = (rows[rows["status"] == s] for s in ("done", "diverged"))
        cut_off = rows["status"].isin(("failed", "stopped"))
        classes, coverage = (pd.to_numeric(done[c], errors="coerce") for c in ("classes_covered", "coverage"))
        trained = (classes >= self.classes) & (coverage > self.coverage)
        unknown = classes.isna() | coverage.isna()
        return int(trained.sum()), int((~unknown).sum()) + len(diverged), int(unknown.sum()) + int(cut_off.sum())


@dataclass(frozen=True, kw_only=True)
class FewerParameters:
    """One architecture has fewer trainable parameters than another, counted from the networks."""

    fewer: str
    more: str
    cells: tuple[Cell, ...] = ()

    def find(self, evidence: Evidence) -> Finding:
        """Count them: one p is 0 and the other 1."""
        a, b = evidence.parameters[self.fewer], evidence.parameters[self.more]
        names = self.fewer.upper(), self.more.upper()
        line = f"parameters: {names[0]} {a:,} against {names[1]} {b:,}"
        return Finding(lines=(line,), p_for=float(a >= b), p_against=float(a < b), exact=True)


def _finding(
    measure: Measure,
    samples: tuple[Sample, ...],
    estimate: Estimate,
    ps: tuple[float, float],
    asked: str,
    blocked: Sequence[str] = (),
) -> Finding:
    """The result of a test, in words and numbers; `ps`: for and against.

    `blocked`: "for" and "against", where runs that diverged forbid that conclusion, since they have no number.
    """
    p_for, p_against = ps
    text = f"{measure.name}: " + " against ".join(s.text for s in samples if not s.missing)
    if missing := tuple(f"{s.name} ({s.missing})" for s in samples if s.missing):
        return Finding(lines=(text,) if len(missing) < len(samples) else (), missing=missing)
    if single := tuple(s.name for s in samples if len(s.values) < 2):
        return Finding(lines=(text,), single=single)
    if not estimate.error > 0:
        return Finding(lines=(f"{text}; all seeds are the same: no spread to test by",))
    back = math.exp if measure.log else float
    value, (low, high) = back(estimate.value), (back(x) for x in estimate.interval())
    kind = ("difference", "ratio")[measure.log] if len(samples) == 2 else ("mean", "geometric mean")[measure.log]
    text += f"; {kind} {value:.3g} [{low:.3g}, {high:.3g}] (90%); {asked}: {_p_text(p_for, p_against)}"
    if blocked:
        text += "; runs that diverged have no number, so those left are no fair picture"
    return Finding(
        lines=(text,),
        p_for=math.nan if "for" in blocked else p_for,
        p_against=math.nan if "against" in blocked else p_against,
    )


def _p_text(p_for: float, p_against: float) -> str:
    if p_for < ALPHA:
        return f"p {p_for:.2g} for it"
    if p_against < ALPHA:
        return f"p {p_against:.2g} against it"
    return f"p {p_for:.2g} for it, {p_against:.2g} against it"
