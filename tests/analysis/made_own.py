"""A made-up study of a user's own: twelve configurations by a study file, six seeds each."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from made_study import paper_members, write_study

from analysis.results.load import load_study
from analysis.results.study import Study
from study.commands.resolved import keep_study_file
from study.design.studies import grid_asked, settings_asked
from study.options import parse
from study.store.store import Store

FILE = """
name = "own"
seeds = 6
[set]
neuron = "stochastic"
estimator = "gumbel"
[sweep]
slope_rate = [1.0, 1.2]
"estimator.temperature" = [0.5, 1.0, 2.0]
generator_output_norm = ["none", "batch"]
"""


def own_study(folder: Path, *, claims: str = "", data: str = "mnist", samples: bool = True) -> Study:
    """Twelve configurations, six seeds; FID halves with the faster slope and rises with the temperature."""
    file = folder.parent / "own.toml"
    file.write_text(FILE + claims)
    options = parse(["--file", str(file)])
    of_data = {"data": data, "data_digest": "0" * 16, "train_images": 6400, "epochs": 3}
    cells = grid_asked(options).cells("as-described", **of_data, **settings_asked(options))
    base = paper_members(seeds=6, grid="paper-neurons").iloc[:6]
    frames = []
    for i, cell in enumerate(cells):
        temperature = float(cell.part_parameters.split(":")[1].strip("} "))
        level = 20.0 / (2 if cell.slope_rate > 1 else 1) * (1 + temperature / 10)
        fids = level * np.exp(0.02 * np.random.default_rng(i).standard_normal(6))
        fields: dict[str, Any] = {k: v for k, v in cell.to_dict().items() if k != "seed"}
        ids = [f"{i:08d}{seed:08d}" for seed in range(6)]
        frames.append(base.assign(**fields, fid=fids, cell_id=cell.cell_id, member_id=ids, fidelity="as-described"))
    write_study(folder, pd.concat(frames, ignore_index=True), epochs=(1, 3), samples=samples)
    keep_study_file(Store(folder.parent, folder.name), options, cells, "as-described")
    return load_study(folder)
