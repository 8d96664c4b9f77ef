"""Made-up members: the paper's configuration with numbers of our choosing, every column of the store."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from binarygan.data.images import load_images
from binarygan.paper import paper_config
from study.store.schemas import SCHEMAS

MNIST = load_images("mnist").digest


def made_up(
    *,
    seeds: int = 3,
    fidelity: str = "as-released",
    statuses: Sequence[str] | None = None,
    scatter: float = 0.02,
    metrics: dict[str, float | Sequence[float]],
    **choices: Any,
) -> pd.DataFrame:
    """A cell's runs. A metric is a number, which the seeds scatter about evenly, or one number a seed."""
    about = np.linspace(-1, 1, seeds) if seeds > 1 else np.zeros(1)
    given = {
        name: np.asarray(v, float) if isinstance(v, list | tuple) else v * (1 + scatter * about)
        for name, v in metrics.items()
    }
    rows = []
    for seed in range(seeds):
        full = {"split": "all", "train_images": 70_000} if fidelity == "as-released" else {"train_images": 60_000}
        config = paper_config(fidelity=fidelity, **({"data_digest": MNIST, "seed": seed} | full | choices))
        status = statuses[seed] if statuses else "done"
        numbers = (
            {name: values[seed] for name, values in given.items()} if status in ("done", "running", "stopped") else {}
        )
        ids = {"member_id": config.member_id, "cell_id": config.cell_id, "fidelity": fidelity, "study": "made up"}
        rows.append({**config.to_dict(), **ids, "status": status, **numbers})
    return pd.DataFrame(rows).reindex(columns=SCHEMAS["members"].names)


def grid(
    fid: Any, *, seeds: int = 3, objectives: tuple[str, ...] = ("gan", "wgan", "wgan-gp"), **more: Any
) -> pd.DataFrame:
    """Objectives x binary neurons, no norm in D; `fid` is a function of (objective, neuron)."""
    cells = [(o, n) for o in objectives for n in ("deterministic", "stochastic")]
    return pd.concat(
        [
            made_up(objective=o, neuron=n, discriminator_norm="none", seeds=seeds, metrics={"fid": fid(o, n)}, **more)
            for o, n in cells
        ],
        ignore_index=True,
    )


def noisy(seed: int = 0, seeds: int = 3) -> Any:
    """A `fid` for `grid`: GAN three times, WGAN twice WGAN-GP's 10, about which the seeds scatter widely."""
    rng = np.random.default_rng(seed)
    return lambda o, n: list(10 * {"gan": 3, "wgan": 2, "wgan-gp": 1}[o] * rng.lognormal(0, 0.3, size=seeds))
