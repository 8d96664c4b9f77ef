"""Studies to draw, and what a drawn figure shows."""

from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from made_up import made_up
from PIL import Image

from analysis.figures import FIGURES, Drawn
from analysis.results.study import Study
from study.store.schemas import SCHEMAS

CELLS = [
    *({"objective": o, "neuron": n, "discriminator_norm": d} for o, n, d in product(
        ("wgan-gp", "wgan", "gan"), ("deterministic", "stochastic"), ("affine", "none"))),
    {"objective": "wgan-gp", "neuron": "real"},
    *({"objective": "wgan-gp", "architecture": "cnn", "neuron": n} for n in ("deterministic", "stochastic", "real")),
]  # fmt: skip
"""The paper's grid."""
WGAN_GP = {"objective": "wgan-gp", "discriminator_norm": "none"}


def images(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (64, 28, 28)).astype(np.uint8)


def written(folder: Path, members: pd.DataFrame, epochs: tuple[int, ...] = (1, 2), samples_of_seeds: int = 9) -> Study:
    """A study of these runs with curves, samples and histograms, all of them by the order of the rows."""
    rows: dict[str, list[dict[str, Any]]] = {"curves": [], "samples": [], "histograms": []}
    for order, member in enumerate(members.to_dict("records")):
        key = {"member_id": member["member_id"]}
        for epoch in epochs:
            rows["curves"].append({**key, "epoch": epoch, "discriminator_loss": -order, "fid": 100.0 / epoch})
            if member["seed"] > samples_of_seeds:
                continue
            bits = np.packbits(images(1000 * order + epoch)).tobytes()
            grey = np.float32(np.arange(64 * 784) % 1025 / 1024)
            bernoulli = bits if member["neuron"] == "real" else None
            rows["samples"].append(
                {**key, "epoch": epoch, "bits": bits, "bernoulli_bits": bernoulli, "preactivated": grey}
            )
        counts = np.random.default_rng(order).integers(1, 1000, 1000)
        rows["histograms"].append({**key, "epoch": epochs[-1], "bin_edges": np.linspace(0, 1, 1001), "counts": counts})
    for table, content in rows.items():
        (folder / table).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(content, schema=SCHEMAS[table]), folder / table / "all.parquet")
    return Study(folder, members)


def grid(**more: Any) -> pd.DataFrame:
    """The paper's grid: FIDs that differ from cell to cell."""
    cells = [
        made_up(metrics={"fid": 10.0 + 5 * i, "fid_bernoulli": 12.0 + 5 * i}, **({"epochs": 2} | more | cell))
        for i, cell in enumerate(CELLS)
    ]
    return pd.concat(cells, ignore_index=True).assign(epochs_done=2)


def drawn(name: str, study: Study) -> Drawn:
    found = FIGURES[name].draw(study)
    assert found is not None
    return found


def picture(figure: Drawn) -> np.ndarray:
    """The figure's own pixels, before any palette."""
    buffer = BytesIO()
    figure.figure.savefig(buffer, format="png", dpi="figure")
    return np.asarray(Image.open(buffer).convert("L"))


def panel(figure: Drawn, index: int) -> np.ndarray:
    """What the picture shows where its axes number `index` are."""
    page = picture(figure)
    box = figure.figure.axes[index].get_position()
    height, width = page.shape
    top, bottom = round((1 - box.y1) * height), round((1 - box.y0) * height)
    return page[top:bottom, round(box.x0 * width) : round(box.x1 * width)]


def as_grid(bits: np.ndarray) -> np.ndarray:
    return np.block([[bits[8 * row + column] for column in range(8)] for row in range(8)])
