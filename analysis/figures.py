"""The paper's figures from a study's samples."""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from analysis import labels
from analysis.load import Study

mpl.use("Agg")
mpl.rcParams["pdf.fonttype"] = 42  # fonts embedded as TrueType

ROWS = [(objective, with_norm) for objective in ("wgan-gp", "wgan", "gan") for with_norm in (True, False)]
COLUMNS = [(neuron, kind) for neuron in ("deterministic", "stochastic") for kind in ("bits", "preactivated")]


def tile(images: np.ndarray, columns: int = 8) -> np.ndarray:
    """Images (n, h, w) as one picture, row by row."""
    n, h, w = images.shape
    return images.reshape(n // columns, columns, h, w).swapaxes(1, 2).reshape(n // columns * h, columns * w)


def figure_8(study: Study, out: Path) -> list[str]:
    """Figure 8 as PNG and PDF: objectives with and without normalization in D; DBN and SBN beside their preactivations.

    A cell's first seed that has samples is shown. Returns what is missing, in words; a study that has none of its
    cells gets no figure.
    """
    if all(_samples(study, *row, neuron) is None for row in ROWS for neuron in ("deterministic", "stochastic")):
        return []
    figure, axes = plt.subplots(len(ROWS), len(COLUMNS), figsize=(7.1, 11.0), squeeze=False)
    missing = []
    for i, (objective, with_norm) in enumerate(ROWS):
        for j, (neuron, kind) in enumerate(COLUMNS):
            axis = axes[i][j]
            axis.set_xticks([])
            axis.set_yticks([])
            name = labels.NEURONS[neuron]
            if i == 0:
                axis.set_title(name if kind == "bits" else f"{name}, preactivated", fontsize=9)
            if j == 0:
                axis.set_ylabel(f"{labels.OBJECTIVES[objective]}\n{_placement(study, with_norm)}", fontsize=9)
            pictures = _samples(study, objective, with_norm, neuron)
            if pictures is None:
                axis.text(0.5, 0.5, "not trained yet", ha="center", va="center", fontsize=8)
                if kind == "bits":
                    missing.append(f"{objective} {'with' if with_norm else 'without'} norm in D, {neuron}")
                continue
            axis.imshow(tile(pictures[kind == "preactivated"]), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    figure.tight_layout(pad=0.4)
    figure.savefig(out / "figure-8.png", dpi=200)
    figure.savefig(out / "figure-8.pdf", dpi=300)
    plt.close(figure)
    return missing


def _placement(study: Study, with_norm: bool) -> str:
    """What the row's discriminators have; under `as-released` an affine map, not BN."""
    if not with_norm:
        return "without BN in D"
    kinds = set(study.members["discriminator_norm"]) - {"none"}
    return "with " + " / ".join(labels.NORMS[k] for k in sorted(kinds)) if kinds else "with BN in D"


def _samples(study: Study, objective: str, with_norm: bool, neuron: str) -> tuple[np.ndarray, np.ndarray] | None:
    m: pd.DataFrame = study.members
    chosen = m[
        (m["objective"] == objective)
        & (m["architecture"] == "mlp")
        & ((m["discriminator_norm"] != "none") == with_norm)
        & (m["neuron"] == neuron)
    ]
    for member_id in chosen.sort_values("seed")["member_id"]:
        if (found := study.last_samples(member_id)) is not None:
            return found
    return None
