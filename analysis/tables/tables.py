"""Tables of cells over their seeds, beside the anchors."""

from collections.abc import Sequence

from analysis import labels
from analysis.labels import NOTHING
from analysis.tables.entries import Column, Entry, Table, middle, outcome, seeds, spread, word
from analysis.tables.rows import NAMING, OURS, PLAIN, Row
from binarygan.metrics.names import OF_IMAGES, OF_PREACTIVATED, Live

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
        (
            "ink",
            "ink_distance",
            "pixel_error",
            "covariance_error",
            "isolated_pixel_rate",
            "components",
            "patch_kl",
        ),
    ),
}


def _sections() -> dict[str, tuple[str, tuple[str, ...]]]:
    named = {name for _, names in _SECTIONS.values() for name in names}
    others = tuple(m.name for m in OF_IMAGES if m.name not in named)
    return {
        **_SECTIONS,
        **({"others": ("Other metrics of images", others)} if others else {}),
        "preactivated": ("Preactivated outputs", tuple(m.name for m in OF_PREACTIVATED)),
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
    heads = [Column("", "done", "runs that are done, of all")]
    fid = [
        Column("fid", "FID", labels.MEANINGS["fid"]),
        Column("fid_iqm", "FID, IQM", IQM_MEANING),
        Column("fid_seeds", "FID of each seed"),
    ]
    others = [Column(n, labels.COLUMNS[n], labels.MEANINGS[n]) for n in HEADLINE]
    body = []
    for row in rows:
        summary = row.summary("fid")
        body.append(
            [
                outcome(row.counts, labels.STATUSES),
                spread(summary),
                middle(summary) if summary.n > 1 else word(None),
                seeds(row.values("fid")),
                *row.means(HEADLINE),
            ]
        )
    notes = [f"FID and the rest: {_MEAN}.", *_cautions(rows)]
    return _table(name, title, rows, [*heads, *fid, *others], body, notes)


def means(rows: Sequence[Row], name: str, title: str, numbers: Sequence[str]) -> Table:
    """Each number as its mean over seeds."""
    columns = [
        Column("", "done", "runs that are done, of all"),
        *(Column(n, labels.COLUMNS[n], labels.MEANINGS.get(n, "")) for n in numbers),
    ]
    body = [[outcome(row.counts, labels.STATUSES), *row.means(numbers)] for row in rows]
    return _table(name, title, rows, columns, body, [f"Each number: {_MEAN}."])


def _table(
    name: str,
    title: str,
    rows: Sequence[Row],
    columns: Sequence[Column],
    body: Sequence[Sequence[Entry]],
    notes: Sequence[str],
) -> Table:
    """What each row is, then its numbers. Trial, fidelity and settings stand there only where they tell something."""
    fields = ["trial"] if any(row.fields["trial"] for row in rows) else []
    if len({row.fields["fidelity"] for row in rows if row.fields["fidelity"] != NOTHING}) > 1:
        fields.append("fidelity")
    if any(row.fields["settings"] for row in rows):
        fields.append("settings")
    heads = [Column("", "cell", numeric=False), Column("source", labels.COLUMNS["source"], numeric=False)]
    heads += [Column(f, labels.COLUMNS[f], numeric=False) for f in fields]
    entries = [
        (_cell(row, i), word(row.source), *(word(row.fields[f]) for f in fields), *own)
        for i, (row, own) in enumerate(zip(rows, body, strict=True))
    ]
    return Table(name, title, (*heads, *columns), tuple(entries), tuple(notes))


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
    apart = {
        labels.STATUSES[s]: n for s in labels.STATUSES if s != "done" and (n := sum(r.counts[s] for r in _once(ours)))
    }
    if apart:
        listed = ", ".join(f"{n} {status}" for status, n in apart.items())
        notes.append(f"Counted apart, in no mean: {listed}.")
    return notes


def _once(rows: Sequence[Row]) -> list[Row]:
    """Without the second binarization of a real-valued cell."""
    return [row for row in rows if not row.ending]
