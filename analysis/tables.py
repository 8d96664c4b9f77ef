"""The table of cells: mean and standard deviation over the seeds that are done, beside the anchors."""

from collections.abc import Sequence

import pandas as pd

from analysis import labels
from binarygan.metrics.names import BERNOULLI, OF_IMAGES, OF_PREACTIVATED

CELL = ["source", "objective", "architecture", "discriminator_norm", "output"]
PLAIN = ["discriminator_loss", "generator_loss", "seconds"]
IMAGE_METRICS = [m.name for m in OF_IMAGES]
PREACTIVATED_METRICS = [m.name for m in OF_PREACTIVATED]
NUMBERS = [*PLAIN, *IMAGE_METRICS, *PREACTIVATED_METRICS]
SECTIONS = {
    "Overview": [*PLAIN, "fid", "ink", "isolated_pixel_rate", "preactivated_middle_mass"],
    "Distances and manifolds of features": [
        "fid",
        "fid_inf",
        "fid_check",
        "kid",
        "precision",
        "recall",
        "density",
        "coverage",
        "two_sample",
    ],
    "Classes and copies": [
        "class_kl",
        "classes_covered",
        "mnist_score",
        "confidence",
        "unique_rate",
        "train_duplicates",
        "nearest_train_hamming",
        "nearest_test_hamming",
        "closer_to_train",
    ],
    "Bits": [
        "ink",
        "ink_distance",
        "pixel_error",
        "covariance_error",
        "isolated_pixel_rate",
        "components",
        "patch_kl",
    ],
    "Preactivated outputs": PREACTIVATED_METRICS,
}


def cells_table(members: pd.DataFrame, anchors: pd.DataFrame) -> pd.DataFrame:
    """One row a cell: how many members, how many done, and each number's mean and `<number>_sd` over the done ones.

    A real-valued cell has two rows, one for each binarization. The anchors follow: the released code's runs, then
    real images.
    """
    ours = members.assign(source="this study")
    theirs = anchors.assign(source=anchors["study"])
    sources = ["this study", "released code", "real images"]
    rows = []
    for source, frame in (("this study", ours), *theirs.groupby("source")):
        for _, cell in frame.groupby("cell_id", sort=False):
            rows += _rows_of(str(source), cell)
    table = pd.DataFrame(rows)
    outputs = [labels.NEURONS["deterministic"], labels.NEURONS["stochastic"], labels.THRESHOLD, labels.BERNOULLI]
    orders = {
        "source": sources,
        "objective": list(labels.OBJECTIVES),
        "architecture": list(labels.ARCHITECTURES),
        "discriminator_norm": ["batch", "affine", "layer", "none"],
        "output": outputs,
    }
    ranks = pd.DataFrame({c: table[c].map({v: i for i, v in enumerate(order)}) for c, order in orders.items()})
    return table.loc[ranks.sort_values(CELL).index].reset_index(drop=True)


def _rows_of(source: str, cell: pd.DataFrame) -> list[dict[str, object]]:
    """A cell's row, or its rows by binarization."""
    first, done = cell.iloc[0], cell[cell["status"] == "done"]
    base = {"source": source, **{k: first[k] for k in CELL[1:-1]}, "members": len(cell), "done": len(done)}
    if first["neuron"] == "real":
        kinds = [(labels.THRESHOLD, ""), (labels.BERNOULLI, BERNOULLI)]
    else:
        kinds = [(labels.NEURONS.get(first["neuron"], "–"), "")]
    rows = []
    for output, ending in kinds:
        names = {n: n + ending if n in IMAGE_METRICS else n for n in NUMBERS}
        means = {n: done[column].mean() for n, column in names.items()}
        deviations = {f"{n}_sd": done[column].std() for n, column in names.items()}
        rows.append({**base, "output": output, **means, **deviations})
    return rows


def to_markdown(table: pd.DataFrame, numbers: Sequence[str]) -> str:
    """The rows with these numbers: `mean ± standard deviation`, a dash where there is none."""
    plain = [*CELL, "members", "done"]
    heads = [labels.COLUMNS[c] for c in (*plain, *numbers)]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in table.to_dict("records"):
        cells = [_name(row[c]) for c in CELL] + [str(row["members"]), str(row["done"])]
        cells += [_number(row[n], row[f"{n}_sd"]) for n in numbers]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def sections_markdown(table: pd.DataFrame) -> str:
    """All sections, each with what its numbers mean."""
    meanings = {m.name: f"{m.label}: {m.meaning}" for m in (*OF_IMAGES, *OF_PREACTIVATED)}
    parts = ["Mean ± standard deviation over the seeds that are done.\n"]
    for title, numbers in SECTIONS.items():
        notes = "; ".join(meanings[n] for n in numbers if n in meanings)
        parts.append(f"## {title}\n\n{to_markdown(table, numbers)}\n{notes}.\n")
    return "\n".join(parts)


def _name(value: object) -> str:
    known = {**labels.OBJECTIVES, **labels.ARCHITECTURES, **labels.NORMS}
    return known.get(str(value), str(value)) if isinstance(value, str) else "–"


def _number(mean: float, deviation: float) -> str:
    if mean != mean:
        return "–"
    return f"{mean:.4g}" if deviation != deviation else f"{mean:.4g} ± {deviation:.2g}"
