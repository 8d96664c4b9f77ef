"""A made-up study of gates: shares near their targets, and FIDs of our choosing."""

from pathlib import Path

import numpy as np
import pandas as pd
from made_figures import written
from made_up import MNIST, made_up

from analysis.results.study import Study
from study.design.grids import GRIDS

GATED = {0.25: 16.0, 0.5: 13.0, 0.75: 11.5}
"""FID by target share; of SBN a quarter more."""
PLAIN = {256: 14.0, 512: 12.5, 768: 11.8}
"""By hidden units."""


def gate_members(seeds: int = 3) -> pd.DataFrame:
    frames = []
    for cell in GRIDS["gates"].cells("as-described", data_digest=MNIST, train_images=60_000):
        fields = {name: value for name, value in cell.to_dict().items() if name != "seed"}
        factor = 1.25 if cell.neuron == "stochastic" else 1.0
        architecture = cell.part("architecture")
        if cell.architecture == "narrow-mlp":
            metrics = {"fid": factor * PLAIN[architecture.hidden]}
        else:
            share = architecture.target_share + 0.02
            metrics = {"fid": factor * GATED[architecture.target_share], "active_share": share}
            metrics |= {"products_saved": 1 - share, "blocks_always_on": 1.0, "blocks_never_on": 2.0}
        frames.append(made_up(seeds=seeds, fidelity="as-described", scatter=0.04, metrics=metrics, **fields))
    members = pd.concat(frames, ignore_index=True).assign(epochs_done=20)
    noise = np.random.default_rng(0).normal(0, 0.02, len(members))
    return members.assign(fid=members["fid"] * (1 + noise))


def gate_study(folder: Path, seeds: int = 3) -> Study:
    return written(folder, gate_members(seeds))
