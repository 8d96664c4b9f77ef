"""The table of all cells: means over the seeds that are done."""

import pandas as pd

from analysis import labels

CELL = ["objective", "architecture", "discriminator_norm", "neuron"]
NUMBERS = [
    "discriminator_loss",
    "generator_loss",
    "ink",
    "isolated_pixel_rate",
    "preactivated_middle_mass",
    "seconds",
]


def cells_table(members: pd.DataFrame) -> pd.DataFrame:
    """One row a cell: how many members, how many done, and the means of these."""
    order = {name: list(known) for name, known in (("objective", labels.OBJECTIVES), ("neuron", labels.NEURONS))}
    rows = []
    for _, cell in members.groupby("cell_id", sort=False):
        done = cell[cell["status"] == "done"]
        first = cell.iloc[0]
        counts = {"members": len(cell), "done": len(done)}
        rows.append({k: first[k] for k in CELL} | counts | {k: done[k].mean() for k in NUMBERS})
    table = pd.DataFrame(rows)
    key = table.apply(
        lambda r: (
            order["objective"].index(r["objective"]),
            r["architecture"] != "mlp",
            r["discriminator_norm"] == "none",
            order["neuron"].index(r["neuron"]),
        ),
        axis=1,
    )
    return table.loc[key.sort_values().index].reset_index(drop=True)


def to_markdown(table: pd.DataFrame) -> str:
    """The table with the columns' labels, numbers to four digits, a dash where there is none."""
    heads = [labels.COLUMNS[c] for c in table.columns]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(_text(v) for v in row) + " |" for row in table.itertuples(index=False)]
    return "\n".join(lines) + "\n"


def _text(value: object) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:.4g}"
    return str(value)
