"""The options of `study/run.py` and what they say of every cell."""

import argparse
from pathlib import Path
from typing import Any, NoReturn

from binarygan.config import FIDELITIES
from binarygan.data import Images
from binarygan.errors import UserError

EXAMPLES = """examples:
  python study/run.py --grid paper-appendix            Figure 8, full length
  python study/run.py --grid paper-appendix --quick    the same cells on little data: minutes on two cores
  python study/run.py --grid paper-appendix --plan     what would run, what is done, how long the rest takes
  python study/run.py --list                           the grids
"""
QUICK_IMAGES, QUICK_EPOCHS = 6400, 1
PRECISIONS = {"fp32": "float32", "tf32": "tf32", "bf16": "bfloat16"}
"""The option's words -> `MemberConfig.dtype`."""
COUNTS = ("seeds", "epochs", "max_concurrent", "cohort_size")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(message)


def parser() -> argparse.ArgumentParser:
    """Every option of the command."""
    p = _Parser(
        prog="study/run.py",
        description=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    p.add_argument("--grid", metavar="NAME", help="the grid to run")
    p.add_argument("--list", action="store_true", help="list the grids and stop")
    p.add_argument("--plan", action="store_true", help="say what would run and stop")
    p.add_argument("--quick", action="store_true", help=f"{QUICK_IMAGES} images, {QUICK_EPOCHS} epoch")
    p.add_argument("--seeds", type=int, default=1, metavar="N", help="members a cell (default 1)")
    p.add_argument("--epochs", type=int, metavar="N", help="epochs (default 20)")
    p.add_argument("--fidelity", choices=FIDELITIES, default="as-described", help="the paper's text or its code")
    p.add_argument(
        "--precision", choices=tuple(PRECISIONS), default="fp32", help="of matrix products (default fp32; tf32: GPU)"
    )
    p.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default: results/")
    p.add_argument("--study", metavar="NAME", help="name of the results folder (default: the grid's)")
    p.add_argument("--data", default="mnist", metavar="NAME|FILE.npy", help="data set (default: packaged MNIST)")
    p.add_argument("--data-root", type=Path, metavar="DIR", help="folder of torchvision's data sets")
    p.add_argument("--download", action="store_true", help="let torchvision fetch a data set that is missing")
    p.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    p.add_argument("--executor", choices=("ray", "local"), default="ray", help="local: in this process, without Ray")
    p.add_argument("--address", metavar="RAY_ADDRESS", help="a running Ray cluster")
    p.add_argument("--max-concurrent", type=int, metavar="N", help="trials at a time (default: what fits)")
    p.add_argument(
        "--cohort-size", type=int, metavar="N", help="members a trial (default: 1 on a CPU, the fastest on a GPU)"
    )
    return p


def check(arguments: argparse.Namespace) -> None:
    """A UserError for what no single option's parser sees."""
    if not arguments.grid:
        raise UserError("--grid NAME is needed; --list names the grids")
    for option in COUNTS:
        value = getattr(arguments, option)
        if value is not None and value < 1:
            raise UserError(f"--{option.replace('_', '-')} {value} must be at least 1")
    if arguments.address and arguments.executor == "local":
        raise UserError("--address names a Ray cluster, --executor local uses none: leave out one of them")


def common_fields(arguments: argparse.Namespace, data: Images) -> dict[str, Any]:
    """Fields that every cell of the run shares."""
    split = "train" if arguments.fidelity == "as-described" else "all"
    count = data.count(split)
    return {
        "data": data.name,
        "data_digest": data.digest,
        "train_images": min(count, QUICK_IMAGES) if arguments.quick else count,
        "epochs": arguments.epochs or (QUICK_EPOCHS if arguments.quick else 20),
        "dtype": PRECISIONS[arguments.precision],
    }


def device_of(arguments: argparse.Namespace) -> str:
    """`cpu` or `cuda`; a UserError where the machine lacks what is asked."""
    device = "cpu" if arguments.device == "cpu" else _found(arguments.device)
    if device == "cpu" and arguments.precision == "tf32":
        raise UserError("--precision tf32 is a GPU's: use fp32 or bf16 here")
    return device


def _found(asked: str) -> str:
    import torch

    available = torch.cuda.is_available()
    if asked == "cuda" and not available:
        raise UserError("--device cuda: torch finds no GPU here; use --device cpu")
    return "cuda" if available else "cpu"
