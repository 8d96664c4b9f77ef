"""The device that trials train on, and what each trial reserves of a machine."""

import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from binarygan.errors import UserError
from study.options import ClusterOptions, RunOptions

DRIVERS = ("/proc/driver/nvidia", "/dev/nvidiactl", "/dev/nvmap", "/dev/dxg", "/dev/kfd")
"""On Linux one of these exists if there is a GPU that torch may know."""
LEAST = 0.0001
"""Of a resource, what Ray can reserve."""


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


def usable_cpus() -> int:
    """How many CPUs this process may use: of those it is bound to (`taskset`, SLURM), its control groups' quota."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([bound, *(int(quota) for quota in _quotas())]))


def _quotas(proc: Path = Path("/proc/self/cgroup"), groups: Path = Path("/sys/fs/cgroup")) -> Iterator[float]:
    """The CPUs that each control group of this process may use at a time, of version 2 or 1."""
    try:
        lines = [line.split(":", 2) for line in proc.read_text().splitlines()]
    except OSError:
        return
    for _, kinds, own in lines:
        if kinds and "cpu" not in kinds.split(","):
            continue
        top = groups / kinds
        for folder in (top / own.lstrip("/"), *(top / own.lstrip("/")).parents):
            try:
                if kinds:
                    quota, period = ((folder / f"cpu.cfs_{n}_us").read_text() for n in ("quota", "period"))
                else:
                    quota, period = (folder / "cpu.max").read_text().split()
                if float(quota) > 0:
                    yield float(quota) / float(period)
            except (OSError, ValueError):  # it has no file of a quota, or no quota: `max`
                pass
            if folder == top:
                break


def resources_of(options: ClusterOptions, device: str) -> dict[str, float]:
    """What each trial reserves, by the names that Ray Tune has; a UserError if Ray could not reserve that."""
    cpus, gpus = options.cpus_per_trial, options.gpus_per_trial
    gpus = gpus if gpus is not None else (1.0 if device == "cuda" else 0.0)
    for option, amount in (
        ("cpus-per-trial", cpus),
        ("gpus-per-trial", gpus),
        *((f"resource {n}", x) for n, x in options.resource),
    ):
        if 0 < amount < LEAST:
            raise UserError(f"--{option} {amount:g} is less than Ray can reserve: {LEAST:g} or more")
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
