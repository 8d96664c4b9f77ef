"""Made-up runs that bear the paper's nine claims out, but for what is changed."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from made_up import made_up

GOOD = {"recall": 0.8, "coverage": 0.6, "class_kl": 0.01, "classes_covered": [10.0] * 3}
NO_NOTCH = {"preactivated_notch": [0.01, -0.01, 0.0], "preactivated_notch_error": 0.012}
D, S, R = "deterministic", "stochastic", "real"

Cells = dict[str, tuple[dict[str, Any], dict[str, Any]]]


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
                **numbers(0.3, 0.1, 0.01),
                "preactivated_notch": [0.38, 0.4, 0.42],
                "preactivated_notch_error": 0.01,
            },
        ),
        "SBN": ({"objective": "wgan-gp", "neuron": S}, {"fid": 11.0, **GOOD, **numbers(0.05, 0.6, 0.1), **NO_NOTCH}),
        "real": (
            {"objective": "wgan-gp", "neuron": R},
            {"fid": 12.0, "fid_bernoulli": 13.0, **GOOD, **numbers(0.02, 0.75, 0.15), **NO_NOTCH},
        ),
    }
    for short, neuron in (("DBN", D), ("SBN", S), ("real", R)):
        choices = {"objective": "wgan-gp", "neuron": neuron, "architecture": "cnn"}
        cells[f"CNN {short}"] = (choices, {"fid": 5.0, "fid_bernoulli": 6.0, **GOOD})
    for short, neuron in (("DBN", D), ("SBN", S)):
        wgan = {"objective": "wgan", "neuron": neuron}
        cells[f"WGAN {short}"] = (wgan, {"fid": 11.5, **GOOD})
        cells[f"WGAN {short} with norm"] = ({**wgan, "discriminator_norm": norm}, {"fid": 60.0, **GOOD})
        collapsed = {**GOOD, "recall": 0.2, "coverage": 0.2, "class_kl": 1.0, "classes_covered": [5.0, 4.0, 6.0]}
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
