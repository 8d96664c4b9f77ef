"""A trained generator for use elsewhere: `python -m binarygan.export MEMBER_OR_CHECKPOINT -o FILE`.

examples:
  python -m binarygan.export 3f2a -o generator.safetensors    parameters, configuration, slope, population statistics
  python -m binarygan.export 3f2a -o generator.pt2            torch.export.load("generator.pt2").module()(z)
  python -m binarygan.export 3f2a -o generator.onnx           needs the packages onnx and onnxscript

MEMBER_OR_CHECKPOINT is a checkpoint, the folder of one, an exported .safetensors, or a member's id, of which the
beginning is enough. A .pt2 or .onnx takes z (n, Z), float32 and standard normal, and gives preactivated outputs
(n, 28, 28): above 0.5, or above uniform noise for stochastic neurons, a pixel is 1.
"""

import argparse

from binarygan.cli.commands import Parser, add_generator_arguments, checked_endings, status_of, whole_files
from binarygan.generators.export import FORMATS
from binarygan.generators.finding import find_generator
from binarygan.plugins import load_plugins


def parser() -> Parser:
    """The command's arguments."""
    p = Parser("python -m binarygan.export", __doc__)
    add_generator_arguments(p, tuple(FORMATS))
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command; the exit status."""
    return status_of(lambda: _export(parser().parse_args(argv)))


def _export(arguments: argparse.Namespace) -> int:
    load_plugins(arguments.plugin)
    checked_endings(arguments.out, tuple(FORMATS))
    sampler = find_generator(arguments.generator, results=arguments.results, member=arguments.member)
    with whole_files(arguments.out) as files:
        for path, file in zip(arguments.out, files, strict=True):
            file.write(FORMATS[path.suffix](sampler))
    config = sampler.config
    for path in arguments.out:
        print(f"{path}: generator of member {config.member_id} after {sampler.epochs_done} of {config.epochs} epochs")
    return 0
