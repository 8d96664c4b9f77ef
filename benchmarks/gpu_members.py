"""Members that a GPU trained, begun again on a CPU with the same weights and random numbers, in float32.

    python benchmarks/gpu_members.py published/appendix-ten-seeds --initial torch-2.11 --only objective=gan seed=0

What then differs is arithmetic or code, not the weights or numbers that members happened to get (metrics are of other
samples, a CPU's). The study's rows are of the precision that they say; members train alone here, in cohorts there.
With PyTorch 2.11 initial weights were others before 0e782d9: `--initial torch-2.11` is for rows that began so.
"""

import argparse
import dataclasses
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.dataset
import torch
from philox import FEWEST, GpuGenerator
from torch import Tensor

from binarygan.arithmetic.process import keep_freed_memory
from binarygan.config import MemberConfig
from binarygan.data.images import Images, load_images
from binarygan.errors import UserError
from binarygan.metrics.evaluation import evaluate
from binarygan.metrics.scores import reference_of
from binarygan.model.architectures import PIXELS
from binarygan.model.networks import INITIAL_STD
from binarygan.random_streams import CALLS_AT_ONCE, derived_generator, derived_seed
from binarygan.training.trainer import Trainer
from study.design.selection import selected

FIELDS = [f.name for f in dataclasses.fields(MemberConfig)]
COMPARED = ("discriminator_loss", "generator_loss", "fid", "classes_covered")


class GpuDraws:
    """`Draws` of one member's epoch as a GPU has them."""

    def __init__(self, config: MemberConfig, epoch: int, multiprocessors: int) -> None:
        self._config = config
        self._generators = {
            purpose: GpuGenerator(derived_seed(config.seed, purpose, epoch), multiprocessors)
            for purpose in ("batches", "latent", "thresholds", "mixing")
        }
        self._left: dict[str, list[Tensor]] = {purpose: [] for purpose in self._generators}

    def batches(self) -> Tensor:
        steps, batch = self._config.iterations_per_epoch, self._config.batch_size
        order = torch.from_numpy(self._generators["batches"].permutation(self._config.train_images))
        return order[: steps * batch].view(steps, 1, batch)

    def latent(self) -> Tensor:
        return self._next("latent", self._config.latent_size)

    def noise(self) -> Tensor:
        return self._next("thresholds", PIXELS)

    def gate_noise(self) -> Tensor:
        raise NotImplementedError

    def epsilon(self) -> Tensor:
        return self._next("mixing", 1)

    def _next(self, purpose: str, width: int) -> Tensor:
        left, shape = self._left[purpose], (CALLS_AT_ONCE, 1, self._config.batch_size, width)
        if not left:
            generator = self._generators[purpose]
            draw = generator.normal if purpose == "latent" else generator.uniform
            left += reversed(torch.from_numpy(draw(math.prod(shape))).view(shape).unbind())
        return left.pop()


def begin_as_torch_2_11(trainer: Trainer) -> None:
    """Put the initial weights there that its `trunc_normal_` gave: by the inverse of the distribution's function."""
    bound = 2 * INITIAL_STD
    for purpose, parameters in (
        ("generator", trainer.generator.parameters),
        ("discriminator", trainer.discriminator.parameters),
    ):
        for name, parameter in parameters.items():
            if name.endswith("weight"):
                source = derived_generator(trainer.configs[0].seed, f"initial {purpose} {name}", 0, torch.device("cpu"))
                within = math.erf(math.sqrt(2.0))
                values = torch.empty(parameter.shape[1:]).uniform_(-within, within, generator=source).erfinv_()
                parameter.detach()[0].copy_(values.mul_(INITIAL_STD * math.sqrt(2.0)).clamp_(-bound, bound))


def train_again(config: MemberConfig, data: Images, arguments: argparse.Namespace) -> Iterator[dict[str, float | None]]:
    """The losses and metrics of the member's first epochs on a CPU."""
    device = torch.device("cpu")
    images = torch.from_numpy(data.bits(config.train_images))
    trainer = Trainer([dataclasses.replace(config, dtype="float32")], images, device=device)
    if arguments.initial == "torch-2.11":
        begin_as_torch_2_11(trainer)
    trainer.draws = lambda epoch: GpuDraws(config, epoch, arguments.multiprocessors)  # type: ignore[assignment,method-assign,return-value]
    for _ in range(arguments.epochs):
        losses = trainer.train_epoch()
        found: dict[str, float | None] = {
            name: float(getattr(losses, name)) for name in ("discriminator_loss", "generator_loss")
        }
        yield found | evaluate(trainer, 0, reference_of(data, device), full=False).metrics


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="a study's folder, its members of one GPU")
    parser.add_argument("--only", nargs="+", default=[], metavar="FIELD=VALUES")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--multiprocessors", type=int, default=132, help="of that GPU (H100, H200: 132; A100: 108)")
    parser.add_argument("--initial", choices=("binarygan", "torch-2.11"), default="binarygan")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    members, curves = (
        pyarrow.dataset.dataset(arguments.study / table, format="parquet").to_table() for table in ("members", "curves")
    )
    rows_there = [row for row in members.to_pylist() if row["status"] == "done" and row["device"] != "cpu"]
    configs = [MemberConfig.from_dict({f: row[f] for f in FIELDS if f in row}) for row in rows_there]
    if not configs:
        parser.error(f"{arguments.study} has no member that a GPU trained to its end")
    there = {(row["member_id"], row["epoch"]): row for row in curves.to_pylist()}
    data = load_images(configs[0].data)
    if data.digest != configs[0].data_digest:
        raise UserError(f"{arguments.study} was trained on other data than {configs[0].data} here")
    if configs[0].train_images < FEWEST:
        raise UserError(f"{arguments.study} has {configs[0].train_images} images: a GPU orders so few in another way")
    rows: list[dict[str, Any]] = []
    for config in selected(configs, arguments.only):
        for epoch, here in enumerate(train_again(config, data, arguments), 1):
            row = {"objective": config.objective, "norm": config.discriminator_norm, "neuron": config.neuron}
            row |= {"seed": str(config.seed), "epoch": str(epoch)}
            print(" ".join(row.values()), end=", GPU and CPU:", flush=True)
            numbers = {f"{name}_gpu": there[config.member_id, epoch][name] for name in COMPARED}
            numbers |= {f"{name}_cpu": here[name] for name in COMPARED}
            rows.append({"cell": config.cell_id, **row, **numbers, "epoch": epoch})
            said = (f"{name} {numbers[f'{name}_gpu']:.4g} {numbers[f'{name}_cpu']:.4g}" for name in COMPARED)
            print(f" {'; '.join(said)}", flush=True)
    say_how_close(pd.DataFrame(rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


def say_how_close(rows: pd.DataFrame) -> None:
    """How the numbers of each cell's seeds go together in the last epoch here."""
    last = rows[rows["epoch"] == rows["epoch"].max()]
    for cell, own in last.groupby("cell", sort=False):
        if len(own) < 3:
            continue
        named = " ".join(own.iloc[0][["objective", "norm", "neuron"]])
        for name in COMPARED:
            gpu, cpu = own[f"{name}_gpu"], own[f"{name}_cpu"]
            print(
                f"{named} ({cell}), {name}, {len(own)} seeds: CPU - GPU {(cpu - gpu).mean():+.4f} "
                f"(std {(cpu - gpu).std():.4f}), std of the GPU's {gpu.std():.4f}, correlation {gpu.corr(cpu):.3f}"
            )


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
