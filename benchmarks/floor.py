"""What the hardware allows: rates of a large product and a large copy, and what an iteration needs of each."""

import dataclasses
import functools
import time
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from binarygan.arithmetic.products import multiply, set_arithmetic
from binarygan.config import MemberConfig
from binarygan.training.trainer import Trainer

FLOAT_BYTES = 4
MOVES_AN_UPDATE = {"adam": 7, "rmsprop": 5}
"""Floats moved for each parameter updated: it, its gradient and its moments are read; it and its moments written."""
SECONDS = 0.5


def product_rate(config: MemberConfig, device: torch.device) -> float:
    """FLOP/s of a large product in the precision of `config`, measured once in a process."""
    precision = config.part("dtype")
    set_arithmetic(tf32=precision.tf32)
    return _product_rate(config.dtype, precision.operands or torch.float32, device)


@functools.cache
def _product_rate(_precision: str, kind: torch.dtype, device: torch.device) -> float:
    size = 8192 if device.type == "cuda" else 2048
    a, b = (torch.randn(1, size, size, device=device).to(kind) for _ in range(2))
    with torch.no_grad():
        return 2 * size**3 / _seconds(lambda: multiply(a, b), device)


@functools.cache
def copy_rate(device: torch.device) -> float:
    """Bytes/s, read and written, of a copy of 1 GiB, measured once in a process."""
    source = torch.ones(2**28, device=device)
    target = torch.empty_like(source)
    return 2 * FLOAT_BYTES * len(source) / _seconds(lambda: target.copy_(source), device)


@functools.cache
def flops(config: MemberConfig) -> int:
    """Of the products of one member's iteration, as the engine does them, counted by torch.

    Counted on the CPU in float64, whose products are all of kinds that torch counts.
    """
    trainer = _trainer(dataclasses.replace(config, dtype="float32"), torch.float64)
    trainer.set_epoch(1)
    draws = trainer.draws(1)
    with FlopCounterMode(display=False) as counter:
        trainer.iteration(draws.batches()[0], draws, config.critic_steps)
    return int(counter.get_total_flops())


def bytes_moved(config: MemberConfig) -> int:
    """The least that one member's iteration moves through a memory that holds parameters and moments: its updates."""
    generator, discriminator = config.generator_layers(), config.discriminator_layers()
    updated = config.critic_steps * discriminator.parameter_count() + generator.parameter_count()
    return MOVES_AN_UPDATE[config.optimizer] * FLOAT_BYTES * updated


def _trainer(config: MemberConfig, dtype: torch.dtype = torch.float32) -> Trainer:
    batch = config.batch_size
    one_batch = dataclasses.replace(config, train_images=batch)
    images = torch.zeros(batch, 784, dtype=torch.uint8)
    return Trainer([one_batch], images, device=torch.device("cpu"), dtype=dtype)


def _seconds(run: Callable[[], object], device: torch.device) -> float:
    """The shortest of as many as fit into the time."""
    run()
    best, start = float("inf"), time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        _wait(device)
        begin = time.perf_counter()
        run()
        _wait(device)
        best = min(best, time.perf_counter() - begin)
    return best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
