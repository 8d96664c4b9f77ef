"""Made-up runs that bear the paper's nine claims out, but for what is changed."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from made_up import made_up

SEEDS = 6
"""The fewest by which runs that are counted can decide against one of two parts."""
GOOD = {"recall": 0.8, "coverage": 0.6, "class_kl": 0.01, "classes_covered": [10.0] * SEEDS, "fid_check": 1.5}
NO_NOTCH = {"preactivated_notch": [0.01, -0.01, 0.0, 0.02, -0.02, 0.005], "preactivated_notch_error": 0.012}
ROUGH = {"patch_kl": 0.05, "isolated_pixel_rate": 0.002, "components": 1.8}
CLEAN = {"patch_kl": 0.01, "isolated_pixel_rate": 0.0005, "components": 1.2}
D, S, R = "deterministic", "stochastic", "real"

Cells = dict[str, tuple[dict[str, Any], dict[str, Any]]]


def _bernoulli(numbers: Mapping[str, float], *, fid: float) -> dict[str, float]:
    return {f"{name}_bernoulli": value for name, value in {**numbers, "fid": fid, "fid_check": fid / 6}.items()}


def world(fidelity: str = "as-released") -> Cells:
    """Cells of the paper's grid whose numbers bear all nine claims out: choices and metrics by a short name."""
    norm = "affine" if fidelity == "as-released" else "batch"
    histogram = ("preactivated_middle_mass", "preactivated_first_bin", "preactivated_last_bin")

    def numbers(*values: float) -> dict[str, float]:
        return dict(zip(histogram, values, strict=True))

    cells: Cells = {
        "DBN": (
            {"objective": "wgan-gp", "neuron": D},
            {
                "fid": 10.0,
                **GOOD,
                **ROUGH,
                **numbers(0.3, 0.1, 0.01),
                "preactivated_notch": [0.38, 0.39, 0.4, 0.41, 0.42, 0.405],
                "preactivated_notch_error": 0.01,
            },
        ),
        "SBN": (
            {"objective": "wgan-gp", "neuron": S},
            {"fid": 11.0, **GOOD, **ROUGH, **numbers(0.05, 0.6, 0.1), **NO_NOTCH},
        ),
        "real": (
            {"objective": "wgan-gp", "neuron": R},
            {"fid": 12.0, **GOOD, **ROUGH, **_bernoulli(ROUGH, fid=13.0), **numbers(0.02, 0.75, 0.15), **NO_NOTCH},
        ),
    }
    better = {"fid_check": 0.9, "fid_check_bernoulli": 0.9}
    for short, neuron in (("DBN", D), ("SBN", S), ("real", R)):
        choices = {"objective": "wgan-gp", "neuron": neuron, "architecture": "cnn"}
        cells[f"CNN {short}"] = (choices, {"fid": 5.0, **GOOD, **CLEAN, **_bernoulli(CLEAN, fid=6.0), **better})
    for short, neuron in (("DBN", D), ("SBN", S)):
        wgan = {"objective": "wgan", "neuron": neuron}
        cells[f"WGAN {short}"] = (wgan, {"fid": 11.5, **GOOD})
        cells[f"WGAN {short} with norm"] = (
            {**wgan, "discriminator_norm": norm},
            {"fid": 60.0, **GOOD, "fid_check": 20.0},
        )
        collapsed = {
            **GOOD,
            "recall": 0.2,
            "coverage": 0.2,
            "class_kl": 1.0,
            "classes_covered": [5.0, 4.0, 6.0, 5.0, 3.0, 4.0],
        }
        cells[f"GAN {short}"] = ({"objective": "gan", "neuron": neuron}, {"fid": 80.0, **collapsed})
    return cells


def members(
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    without: tuple[str, ...] = (),
    statuses: Mapping[str, list[str]] | None = None,
    fidelity: str = "as-released",
    **more: Any,
) -> pd.DataFrame:
    """The runs of the world with some numbers changed, some cells left out, some statuses."""
    frames = [
        made_up(
            seeds=SEEDS,
            fidelity=fidelity,
            statuses=(statuses or {}).get(name),
            metrics=metrics | dict((changes or {}).get(name, {})),
            **choices,
            **more,
        )
        for name, (choices, metrics) in world(fidelity).items()
        if name not in without
    ]
    return pd.concat(frames, ignore_index=True)
