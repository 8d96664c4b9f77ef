"""Samples of a trained generator: `python -m binarygan.sample MEMBER_OR_CHECKPOINT -n 1000 -o samples.npy`.

examples:
  python -m binarygan.sample 3f2a -n 64 -o samples.png              a member of any study in results/, by its id
  python -m binarygan.sample results/demo/checkpoints/8c… -n 10000 -o samples.npy
  python -m binarygan.sample generator.safetensors -n 64 --preactivated -o samples.npy -o samples.png

MEMBER_OR_CHECKPOINT is a checkpoint, the folder of one, a file of `python -m binarygan.export`, or a member's id, of
which the beginning is enough. An .npy holds N x 28 x 28 of 0 and 1 (uint8), which `python -m binarygan.evaluate`
reads, or preactivated outputs (float32); a .png shows the first 10,000 at most, in rows. The same seed gives the same
samples on the same machine, however many are asked for.
"""

import argparse
import math

import numpy as np
import torch

from binarygan.cli.commands import Parser, add_generator_arguments, checked_endings, status_of, whole_files
from binarygan.config import MemberConfig
from binarygan.errors import UserError
from binarygan.generators.finding import find_generator
from binarygan.generators.sampling import BINARIZATIONS, BLOCK, draw
from binarygan.model.architectures import IMAGE_SIZE
from binarygan.model.neurons import Neuron
from binarygan.plugins import load_plugins

ENDINGS = (".npy", ".png")
MOST_SHOWN = 10_000


def parser() -> Parser:
    """The command's arguments."""
    p = Parser("python -m binarygan.sample", __doc__)
    add_generator_arguments(p, ENDINGS)
    p.add_argument("-n", type=int, default=64, metavar="N", help="how many samples (default: 64)")
    p.add_argument("--seed", type=int, default=0, metavar="N", help="of z and of stochastic neurons (default: 0)")
    p.add_argument("--binarization", choices=tuple(BINARIZATIONS), help="of real-valued members (default: threshold)")
    p.add_argument("--preactivated", action="store_true", help="outputs in [0, 1] instead of bits")
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command; the exit status."""
    return status_of(lambda: _sample(parser().parse_args(argv)))


def _sample(arguments: argparse.Namespace) -> int:
    load_plugins(arguments.plugin)
    checked_endings(arguments.out, ENDINGS)
    count: int = arguments.n
    if count < 1:
        raise UserError(f"-n {count}: at least 1 sample is needed")
    if arguments.preactivated and arguments.binarization:
        raise UserError("--binarization has no effect with --preactivated")
    sampler = find_generator(arguments.generator, results=arguments.results, member=arguments.member)
    neuron = None if arguments.preactivated else _neuron(sampler.config, arguments.binarization)
    try:
        samples = np.empty((count, IMAGE_SIZE, IMAGE_SIZE), np.float32 if arguments.preactivated else np.uint8)
    except (MemoryError, ValueError, OverflowError):
        raise UserError(
            f"-n {count}: so many samples do not fit into memory; ask for fewer, with several --seed"
        ) from None
    with whole_files(arguments.out) as files:
        blocks = draw(sampler, count, seed=arguments.seed, neuron=neuron)
        for number, block in enumerate(blocks):
            samples[number * BLOCK : (number + 1) * BLOCK] = block
        for path, file in zip(arguments.out, files, strict=True):
            if path.suffix == ".npy":
                np.save(file, samples)
            else:
                from torchvision.utils import save_image

                images = torch.from_numpy(samples[:MOST_SHOWN]).unsqueeze(1).float()
                save_image(images, file, format="PNG", nrow=math.ceil(math.sqrt(len(images))), pad_value=0.5)
    config = sampler.config
    whose = f"member {config.member_id} ({config.neuron}, {config.objective}, {config.architecture})"
    for path in arguments.out:
        number = min(count, MOST_SHOWN) if path.suffix == ".png" else count
        print(f"{path}: {number} samples of {whose} after {sampler.epochs_done} of {config.epochs} epochs")
    return 0


def _neuron(config: MemberConfig, asked: str | None) -> Neuron:
    """What binarizes the run's outputs: its own neurons, or what was asked for where they are not binary."""
    own: Neuron = config.part("neuron")
    if own.binary and asked:
        raise UserError(f"--binarization is for real-valued members, and {config.member_id} is {config.neuron}")
    return own if own.binary else BINARIZATIONS[asked or "threshold"]
