"""The device that a run trains on, and what each trial reserves of a machine."""

import argparse
import math
import re
import sys
from pathlib import Path

from binarygan.errors import UserError

DRIVERS = ("/proc/driver/nvidia", "/dev/nvidiactl", "/dev/nvmap", "/dev/dxg", "/dev/kfd")
"""Where there is a GPU that torch may know, one of these is there."""


def device_of(arguments: argparse.Namespace) -> str:
    """`cpu` or `cuda`; a UserError where the machine lacks what is asked. A cluster's GPUs are not asked for here."""
    device = arguments.device if arguments.device == "cpu" or arguments.address else _found(arguments.device)
    device = _found(device) if device == "auto" else device
    if device == "cpu" and arguments.precision == "tf32":
        raise UserError("--precision tf32 is a GPU's: use fp32 or bf16 here")
    return device


def has_gpu() -> bool:
    """Whether torch finds one on this machine."""
    import torch

    return torch.cuda.is_available()


def _found(asked: str) -> str:
    if asked == "auto" and sys.platform == "linux" and not any(Path(p).exists() for p in DRIVERS):
        return "cpu"  # without the seconds that importing torch takes
    available = has_gpu()
    if asked == "cuda" and not available:
        raise UserError("--device cuda: torch finds no GPU here; use --device cpu")
    return "cuda" if available else "cpu"


def resources_of(arguments: argparse.Namespace, device: str) -> dict[str, float]:
    """What each trial reserves, by Ray's names."""
    gpus = arguments.gpus_per_trial if arguments.gpus_per_trial is not None else (1.0 if device == "cuda" else 0.0)
    if not (arguments.cpus_per_trial > 0 and math.isfinite(arguments.cpus_per_trial)):
        raise UserError(f"--cpus-per-trial {arguments.cpus_per_trial:g} must be above 0")
    if not math.isfinite(gpus):
        raise UserError(f"--gpus-per-trial {gpus:g} is no number of GPUs")
    if gpus < 0 or (gpus == 0 and device == "cuda"):
        raise UserError(f"--gpus-per-trial {gpus:g} must be above 0 for --device cuda")
    if gpus > 1 and gpus != int(gpus):
        raise UserError(f"--gpus-per-trial {gpus:g}: Ray divides one GPU only; above 1 it takes whole numbers")
    if gpus and device == "cpu":
        raise UserError("--gpus-per-trial reserves a GPU that --device cpu would not use: leave it out")
    found = {"cpu": arguments.cpus_per_trial} | ({"gpu": gpus} if gpus else {})
    for text in arguments.resource:
        name, _, amount = text.partition("=")
        if not re.fullmatch(r"\w[\w.:/-]*", name) or not re.fullmatch(r"\d+(\.\d+)?", amount) or float(amount) <= 0:
            raise UserError(f"--resource {text} is not NAME=AMOUNT with an amount above 0")
        if name.lower() in ("cpu", "gpu", "memory"):
            raise UserError(f"--resource {text}: use --cpus-per-trial and --gpus-per-trial")
        found[name] = float(amount)
    return found
