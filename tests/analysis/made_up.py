"""Made-up members: the paper's configuration with numbers of our choosing, every column of the store."""

from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from analysis.statistics.summaries import Unavailable
from analysis.tables.entries import Table
from binarygan.data.images import load_images
from binarygan.paper import paper_config
from study.store.schemas import SCHEMAS

T = TypeVar("T")
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
        config = _config(fidelity, seed, **choices)
        status = statuses[seed] if statuses else "done"
        numbers = (
            {name: values[seed] for name, values in given.items()} if status in ("done", "running", "stopped") else {}
        )
        rows.append({**config, "fidelity": fidelity, "study": "made up", "status": status, **numbers})
    return pd.DataFrame(rows).reindex(columns=SCHEMAS["members"].names)


@cache
def _config(fidelity: str, seed: int, **choices: Any) -> dict[str, Any]:
    """A run's configuration and ids; their digests take time."""
    full = {"split": "all", "train_images": 70_000} if fidelity == "as-released" else {"train_images": 60_000}
    config = paper_config(fidelity=fidelity, **({"data_digest": MNIST, "seed": seed} | full | choices))
    return {**config.to_dict(), "member_id": config.member_id, "cell_id": config.cell_id}


def runs(*cells: dict[str, Any], **shared: Any) -> pd.DataFrame:
    """The runs of several cells, each with choices of its own; `fid` stands for its metric."""
    rows = []
    for cell in cells:
        own = shared | cell
        metrics = own.pop("metrics", {}) | ({"fid": own.pop("fid")} if "fid" in own else {})
        rows.append(made_up(metrics=metrics, **({"objective": "wgan-gp", "neuron": "deterministic"} | own)))
    return pd.concat(rows, ignore_index=True)


def grid(fid: Any, *, objectives: tuple[str, ...] = ("gan", "wgan", "wgan-gp"), **more: Any) -> pd.DataFrame:
    """Objectives x binary neurons, no norm in D; `fid` is a function of (objective, neuron)."""
    cells = product(objectives, ("deterministic", "stochastic"))
    own = ({"objective": o, "neuron": n, "fid": fid(o, n)} for o, n in cells)
    return runs(*own, discriminator_norm="none", **more)


def column(table: Table, label: str) -> list[str]:
    """The texts of a table's column."""
    at = [c.label for c in table.columns].index(label)
    return [row[at].text for row in table.rows]


def known(result: T | Unavailable) -> T:
    """A statistic that can be had."""
    assert not isinstance(result, Unavailable), result
    return result


def noisy(seed: int = 0, seeds: int = 3) -> Any:
    """A `fid` for `grid`: GAN three times, WGAN twice WGAN-GP's 10, about which the seeds scatter widely."""
    rng = np.random.default_rng(seed)
    return lambda o, n: list(10 * {"gan": 3, "wgan": 2, "wgan-gp": 1}[o] * rng.lognormal(0, 0.3, size=seeds))
