"""The device that trials train on, and what each trial reserves of a machine."""

import math
import sys
from pathlib import Path

from binarygan.errors import UserError
from study.options import ClusterOptions, RunOptions

DRIVERS = ("/proc/driver/nvidia", "/dev/nvidiactl", "/dev/nvmap", "/dev/dxg", "/dev/kfd")
"""On Linux one of these exists if there is a GPU that torch may know."""


def device_of(options: RunOptions) -> str:
    """`cpu` or `cuda`; a UserError if `--device` or `--precision` asks for a GPU that this machine does not have.

    With `--address`, `--device cuda` is believed: the GPUs are on other machines.
    """
    asked = options.device
    believed = asked == "cpu" or (asked == "cuda" and options.clusters.address)
    device = asked if believed else _found(asked)
    if device == "cpu" and options.precision == "tf32":
        raise UserError("--precision tf32 is a GPU's: use fp32 or bf16 here")
    return device


def has_gpu() -> bool:
    """Whether torch finds a GPU on this machine."""
    import torch

    return torch.cuda.is_available()


def _found(asked: str) -> str:
    if asked == "auto" and sys.platform == "linux" and not any(Path(p).exists() for p in DRIVERS):
        return "cpu"  # without importing torch, which takes seconds
    available = has_gpu()
    if asked == "cuda" and not available:
        raise UserError("--device cuda: torch finds no GPU here; use --device cpu")
    return "cuda" if available else "cpu"


def resources_of(options: ClusterOptions, device: str) -> dict[str, float]:
    """What each trial reserves, by the names that Ray Tune has; a UserError if Ray could not reserve that."""
    cpus, gpus = options.cpus_per_trial, options.gpus_per_trial
    gpus = gpus if gpus is not None else (1.0 if device == "cuda" else 0.0)
    if not (cpus > 0 and math.isfinite(cpus)):
        raise UserError(f"--cpus-per-trial {cpus:g} must be above 0")
    if not math.isfinite(gpus):
        raise UserError(f"--gpus-per-trial {gpus:g} is no number of GPUs")
    if gpus < 0 or (gpus == 0 and device == "cuda"):
        raise UserError(f"--gpus-per-trial {gpus:g} must be above 0 for --device cuda")
    if gpus > 1 and gpus != int(gpus):
        raise UserError(f"--gpus-per-trial {gpus:g}: Ray divides one GPU only; above 1 it takes whole numbers")
    if gpus and device == "cpu":
        raise UserError("--gpus-per-trial reserves a GPU that --device cpu would not use: leave it out")
    return {"cpu": cpus} | ({"gpu": gpus} if gpus else {}) | dict(options.resource)
