"""Tables of cells over their seeds, beside the anchors."""

from collections.abc import Sequence

from analysis import labels
from analysis.labels import NOTHING
from analysis.tables.entries import Column, Entry, Table, interval, outcome, seeds, spread, word
from analysis.tables.rows import NAMING, OURS, PLAIN, Row
from binarygan.metrics.names import OF_GATES, OF_IMAGES, OF_PREACTIVATED, Live

HEADLINE = ("precision", "recall", "coverage", "classes_covered", "isolated_pixel_rate")
"""Beside FID in the table of each experiment."""
_SECTIONS = {
    "features": (
        "Distances and manifolds of features",
        ("fid", "fid_inf", "fid_check", "kid", "precision", "recall", "density", "coverage", "two_sample"),
    ),
    "classes": (
        "Classes and copies",
        (
            "class_kl",
            "classes_covered",
            "mnist_score",
            "confidence",
            "unique_rate",
            "train_duplicates",
            "nearest_train_hamming",
            "nearest_test_hamming",
            "closer_to_train",
        ),
    ),
    "bits": (
        "Bits",
        ("ink", "ink_distance", "pixel_error", "covariance_error", "isolated_pixel_rate", "components", "patch_kl"),
    ),
}


def _sections() -> dict[str, tuple[str, tuple[str, ...]]]:
    named = {name for _, names in _SECTIONS.values() for name in names}
    others = tuple(m.name for m in OF_IMAGES if m.name not in named)
    return {
        **_SECTIONS,
        **({"others": ("Other metrics of images", others)} if others else {}),
        "preactivated": ("Preactivated outputs", tuple(m.name for m in OF_PREACTIVATED)),
        "gates": ("Gates", tuple(m.name for m in OF_GATES)),
        "losses": ("Losses and time", PLAIN),
    }


SECTIONS = Live(_sections)
"""Name of the table -> title and numbers: all that is measured."""
IQM_MEANING = (
    "interquartile mean [95% bootstrap interval, from five seeds on; of normal values it covers about 90% with five "
    "seeds, 93% with ten]"
)
_MEAN = (
    "mean [95% t interval, cut at the ends of the metric's range] over the seeds that are done; a cell with one seed "
    "has no interval"
)


def scores(rows: Sequence[Row], name: str, title: str) -> Table:
    """How many runs ended how; FID as mean, interquartile mean and every seed; other numbers as means."""
    columns = (
        Column("fid", "FID", labels.MEANINGS["fid"]),
        Column("fid_iqm", "FID, IQM", IQM_MEANING),
        Column("fid_seeds", "FID of each seed"),
        *_columns(HEADLINE),
    )
    body = []
    for row in rows:
        s = row.summary("fid")
        middle = interval(s.iqm, s.iqm_low, s.iqm_high) if s.n > 1 else word(None)
        body.append([spread(s), middle, seeds(row.values("fid")), *row.means(HEADLINE)])
    return _table(name, title, rows, columns, body, (f"FID and the rest: {_MEAN}.", *_cautions(rows)))


def means(rows: Sequence[Row], name: str, title: str, numbers: Sequence[str]) -> Table:
    """Each number as its mean over seeds."""
    return _table(
        name, title, rows, _columns(numbers), [row.means(numbers) for row in rows], (f"Each number: {_MEAN}.",)
    )


def _columns(numbers: Sequence[str]) -> list[Column]:
    return [Column(n, labels.COLUMNS[n], labels.MEANINGS.get(n, "")) for n in numbers]


def _table(
    name: str,
    title: str,
    rows: Sequence[Row],
    columns: Sequence[Column],
    body: Sequence[Sequence[Entry]],
    notes: tuple[str, ...],
) -> Table:
    """What each row is, then its numbers. Trial, fidelity and settings stand there only where they tell something."""
    fields = ["trial"] if any(row.fields["trial"] for row in rows) else []
    if len({row.fields["fidelity"] for row in rows if row.fields["fidelity"] != NOTHING}) > 1:
        fields.append("fidelity")
    if any(row.fields["settings"] for row in rows):
        fields.append("settings")
    heads = (
        Column("", "cell", numeric=False),
        *(Column(f, labels.COLUMNS[f], numeric=False) for f in ("source", *fields)),
        Column("", "done", "runs that are done, of all"),
    )
    entries = tuple(
        (
            _cell(row, i),
            word(row.source),
            *(word(row.fields[f]) for f in fields),
            outcome(row.counts, labels.STATUSES),
            *own,
        )
        for i, (row, own) in enumerate(zip(rows, body, strict=True))
    )
    return Table(name, title, (*heads, *columns), entries, notes)


def _cell(row: Row, index: int) -> Entry:
    """What figures call it, in the order of the rows; its parts in CSV."""
    parts = {f: row.fields[f] for f in NAMING}
    shown = [row.fields[f] for f in NAMING if f != "discriminator_norm" or row.norm_is_news]
    return Entry(row.source if row.fields["output"] == NOTHING else ", ".join(shown), f"{index:06d}", parts)


def _cautions(rows: Sequence[Row]) -> list[str]:
    """What the numbers of seeds do not allow to say, and who is not in the means."""
    ours = [row for row in rows if row.source == OURS]
    done = [row.counts["done"] for row in ours]
    notes = []
    if ones := sum(n == 1 for n in done):
        notes.append(
            f"{ones} of {len(done)} rows rest on one seed: no spread over seeds, so no interval and no test; "
            "whether a difference would come again cannot be said."
        )
    if few := sum(1 < n < 5 for n in done):
        notes.append(f"{few} of {len(done)} rows rest on two to four seeds: too few to bootstrap an interval.")
    once = [row for row in ours if not row.ending]  # without the second binarization of a real-valued cell
    apart = {word_: sum(row.counts[s] for row in once) for s, word_ in labels.STATUSES.items() if s != "done"}
    if listed := ", ".join(f"{n} {status}" for status, n in apart.items() if n):
        notes.append(f"Counted apart, in no mean: {listed}.")
    return notes
