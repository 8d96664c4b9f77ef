"""What a gradient estimator adds to a training step, on one core: `python benchmarks/estimators.py`.

A step is a generator step with its five critic steps (WGAN-GP, MLP, stochastic neurons). All estimators take turns; a
figure is the least CPU time of any turn, beside the sigmoid-adjusted one's: what else the machine does only adds to it.
"""

import argparse
import dataclasses
import time
from collections.abc import Callable

import torch

from binarygan.arithmetic.process import keep_freed_memory, use_one_thread
from binarygan.config import MemberConfig
from binarygan.data.images import load_images
from binarygan.model.estimators import ESTIMATORS
from binarygan.model.score_functions import ScoreFunction
from binarygan.paper import paper_config
from binarygan.training.trainer import Trainer

ITERATIONS = 4
BASE = "sigmoid"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--precision", nargs="+", choices=("fp32", "bf16"), default=["fp32", "bf16"])
    parser.add_argument("--turns", type=int, default=40)
    options = parser.parse_args()
    use_one_thread()
    keep_freed_memory()
    for precision in options.precision:
        dtype = {"fp32": "float32", "bf16": "bfloat16"}[precision]
        epochs = {name: epoch_of(name, dtype) for name in ESTIMATORS}
        times: dict[str, list[float]] = {name: [] for name in epochs}
        for _ in range(options.turns):
            for name, epoch in epochs.items():
                start = time.process_time()
                epoch()
                times[name].append(time.process_time() - start)
        for name, own in times.items():
            kind = "  (evaluates D again)" if issubclass(ESTIMATORS[name], ScoreFunction) else ""
            each, ratio = min(own) / ITERATIONS * 1e3, min(own) / min(times[BASE])
            print(f"{precision}  {name:16}{each:8.2f} ms a step, {ratio:.3f} of {BASE}{kind}", flush=True)


def epoch_of(estimator: str, dtype: str) -> Callable[[], object]:
    """Trains for `ITERATIONS`; the first call, which prepares what the others use, is done."""
    count = ITERATIONS * 64
    config: MemberConfig = paper_config(
        fidelity="as-described",
        objective="wgan-gp",
        neuron="stochastic",
        estimator=estimator,
        dtype=dtype,
        data_digest="benchmark",
        train_images=count,
    )
    short = dataclasses.replace(config, critic_schedule="constant")
    trainer = Trainer([short], torch.from_numpy(load_images("mnist").bits(count)), device=torch.device("cpu"))
    trainer.train_epoch()
    return trainer.train_epoch


if __name__ == "__main__":
    main()
