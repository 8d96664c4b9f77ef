"""Seconds of one whole epoch of every cell of the appendix grid: `python benchmarks/appendix_epoch.py`.

The first epoch, warm-up included, one member on one thread; the imports decide which code is timed, so another
checkout is timed by `PYTHONPATH=OTHER python benchmarks/appendix_epoch.py`.
"""

import argparse
import json
import time
from pathlib import Path

import torch

from binarygan import config as imported
from binarygan.arithmetic.process import keep_freed_memory
from binarygan.data.images import load_images
from binarygan.training.trainer import Trainer
from study.design.grids import GRIDS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fidelity", default="as-described")
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    data = load_images("mnist")
    images = torch.from_numpy(data.bits(arguments.images))
    print(f"code: {Path(imported.__file__).parents[1]}")
    rows = []
    cells = GRIDS["paper-appendix"].cells(arguments.fidelity, data_digest=data.digest, train_images=arguments.images)
    for cell in cells:
        trainer = Trainer([cell], images, device=torch.device("cpu"))
        start = time.perf_counter()
        trainer.train_epoch()
        seconds = time.perf_counter() - start
        rows.append(
            {"objective": cell.objective, "norm_in_d": cell.discriminator_norm, "neuron": cell.neuron, "s": seconds}
        )
        print(f"{cell.objective:8} {cell.discriminator_norm:6} in D {cell.neuron:13} {seconds:7.1f} s", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
