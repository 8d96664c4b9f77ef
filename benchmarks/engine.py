"""The engine against the plain eager loop, on every core of a CPU or on a GPU: `python benchmarks/engine.py`.

Both sides do the same work in turns; a figure is the ratio of their medians. On a CPU a member has a core and all
cores are busy; the baseline is the better of one process a core and one process on all cores. On a GPU the baseline
trains one member at a time, the engine cohorts of 1 to 256. Needs no Ray.

    python benchmarks/engine.py --json engine.json
    python benchmarks/engine.py --device cuda --precision fp32 tf32 bf16 --json engine-gpu.json
"""

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from binarygan.arithmetic.precision import PRECISIONS
from binarygan.arithmetic.process import is_out_of_memory
from binarygan.config import MemberConfig
from binarygan.paper import paper_config

DTYPES = {precision.option: name for name, precision in PRECISIONS.items()}
"""By what options call them."""
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--objective", nargs="+", default=["wgan-gp", "wgan", "gan"])
    parser.add_argument("--architecture", nargs="+", default=["mlp", "cnn"])
    parser.add_argument("--neuron", default="deterministic")
    parser.add_argument("--fidelity", default="as-described")
    parser.add_argument("--norm-in-d", nargs="+", default=["paper"], help="paper, none, batch, affine")
    parser.add_argument("--precision", nargs="+", choices=tuple(DTYPES), default=["fp32"])
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), help="cohort sizes on a GPU")
    parser.add_argument("--seconds", type=float, default=2.0, help="of one turn of one side, at least")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    report: dict[str, Any] = {"machine": machine(arguments.device), "rows": []}
    print(json.dumps(report["machine"]), flush=True)
    for objective in arguments.objective:
        for architecture in arguments.architecture:
            for norm in arguments.norm_in_d:
                choices = {} if norm == "paper" else {"discriminator_norm": norm}
                config = paper_config(
                    fidelity=arguments.fidelity,
                    objective=objective,
                    architecture=architecture,
                    neuron=arguments.neuron,
                    data_digest="benchmark",
                    train_images=60_000,
                    **choices,
                )
                compare = on_cpu if arguments.device == "cpu" else on_gpu
                for row in compare(config, arguments):
                    report["rows"].append(row)
                    print(line(row), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1))


def machine(device: str) -> dict[str, Any]:
    import torch

    name = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    if device == "cpu" and Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), name)
    return {"device": name, "cores": os.cpu_count(), "torch": torch.__version__, "python": platform.python_version()}


def line(row: dict[str, Any]) -> str:
    return (
        f"{row['objective']:8} {row['architecture']} {row['norm_in_d']:6} in D {row['precision']}  "
        f"{row['members']:3} together  plain {row['plain_ms']:8.2f}  engine {row['engine_ms']:8.3f} ms each  "
        f"ratio {row['ratio']:6.2f}  {row['members_per_hour']:8.1f} members/h  {row['share_of_floor']:.0%} of the floor"
    )


def on_cpu(config: MemberConfig, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """All cores busy on either side."""
    cores = os.cpu_count() or 1
    context = multiprocessing.get_context("spawn")
    rows = []
    with context.Manager() as manager:
        for precision in arguments.precision:
            own = _with(config, precision)
            sides = {
                "engine": ("engine", cores, 1),
                "plain, a process a core": ("plain", cores, 1),
                "plain, all cores together": ("plain", 1, cores),
            }
            measured: dict[str, list[float]] = {name: [] for name in sides}
            pools = {name: context.Pool(processes) for name, (_, processes, _) in sides.items()}
            for turn in range(arguments.turns + 1):  # the first turn warms up
                for name, (kind, processes, threads) in sides.items():
                    barrier = manager.Barrier(processes)
                    work = [(kind, own, threads, arguments.seconds, barrier)] * processes
                    milliseconds = pools[name].starmap(_timed, work, chunksize=1)
                    if turn:  # ms of a member-iteration of the whole machine
                        measured[name].append(statistics.mean(milliseconds) / processes)
            barrier = manager.Barrier(cores)
            rate = sum(pools["engine"].starmap(_rate, [(own, barrier)] * cores, chunksize=1))
            for pool in pools.values():
                pool.terminate()
            medians = {name: statistics.median(values) for name, values in measured.items()}
            engine = medians.pop("engine")
            best = min(medians, key=medians.__getitem__)
            rows.append(
                _row(own, precision, 1, plain=medians[best], engine=engine, rate=rate, device="cpu")
                | {"baseline": best, "turns": measured}
            )
    return rows


def on_gpu(config: MemberConfig, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Cohorts of every size against one member at a time."""
    import torch
    from floor import product_rate

    plain = statistics.median(
        _milliseconds("plain", [config], "cuda", arguments.seconds) for _ in range(arguments.turns)
    )
    rows = []
    for precision in arguments.precision:
        for size in arguments.sizes:
            members = [_with(config, precision, seed) for seed in range(size)]
            try:
                turns = [_milliseconds("engine", members, "cuda", arguments.seconds) for _ in range(arguments.turns)]
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                print(f"{size} members do not fit", flush=True)
                break
            finally:
                torch.cuda.empty_cache()
            rate = product_rate(members[0], torch.device("cuda"))
            engine = statistics.median(turns)
            rows.append(_row(members[0], precision, size, plain=plain, engine=engine, rate=rate, device="cuda"))
    return rows


def _with(config: MemberConfig, precision: str, seed: int = 0) -> MemberConfig:
    return MemberConfig.from_dict(config.to_dict() | {"dtype": DTYPES[precision], "seed": seed})


def _row(
    config: MemberConfig, precision: str, members: int, *, plain: float, engine: float, rate: float, device: str
) -> dict[str, Any]:
    """One line of the table; `plain` and `engine` are ms of the whole machine for one member-iteration.

    Args:
        rate: FLOP/s of large products of the whole machine, all cores busy.
    """
    import torch
    from floor import bytes_moved, copy_rate, flops

    torch.set_num_threads(1)
    arithmetic = flops(config) / rate * 1e3
    memory = bytes_moved(config) / copy_rate(torch.device(device)) * 1e3
    # an epoch has warm-up steps: in critic steps, of which an iteration has `critic_steps`
    steps = sum(config.critic_steps_in_epoch(e + 1) for e in range(config.epochs))
    return {
        "objective": config.objective,
        "architecture": config.architecture,
        "norm_in_d": config.discriminator_norm,
        "precision": precision,
        "members": members,
        "plain_ms": plain,
        "engine_ms": engine,
        "ratio": plain / engine,
        "members_per_hour": 3600e3 / (engine * steps / config.critic_steps),
        "product_gflops": rate / 1e9,
        "floor_by_arithmetic_ms": arithmetic,
        "floor_by_memory_ms": memory,
        "share_of_floor": max(arithmetic, memory) / engine,
    }


def _timed(kind: str, config: MemberConfig, threads: int, seconds: float, barrier: Any) -> float:
    """In a process of its own, which starts with the others."""
    import torch

    from binarygan.arithmetic.process import keep_freed_memory

    torch.set_num_threads(threads)
    keep_freed_memory()  # the plain loop gains from it, too
    return _milliseconds(kind, [config], "cpu", seconds, barrier.wait)


def _rate(config: MemberConfig, barrier: Any) -> float:
    """FLOP/s of large products on one thread, while the other processes do the same."""
    import torch
    from floor import product_rate

    torch.set_num_threads(1)
    barrier.wait()
    return product_rate(config, torch.device("cpu"))


_RUNS: dict[Any, Callable[[], object]] = {}


def _milliseconds(
    kind: str, members: list[MemberConfig], device: str, seconds: float, ready: Callable[[], object] = lambda: None
) -> float:
    """Of one member-iteration; runs for at least so many seconds."""
    import torch

    key = (kind, tuple(m.member_id for m in members), device)
    if key not in _RUNS:
        _RUNS.clear()
        _RUNS[key] = _iterations(kind, members, device)
        _RUNS[key]()
    run = _RUNS[key]
    ready()
    start, rounds = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        run()
        if device == "cuda":
            torch.cuda.synchronize()
        rounds += 1
    each = time.perf_counter() - start
    return each / (rounds * iterations_a_call(kind, members[0], device) * len(members)) * 1e3


def iterations_a_call(kind: str, config: MemberConfig, device: str) -> int:
    """Of 5 critic steps and a generator step each: an epoch so short begins often, one too long outlasts a turn."""
    if device == "cuda":
        return 50 if kind == "engine" else 10
    return 20 if config.architecture == "mlp" else 4


def _iterations(kind: str, members: list[MemberConfig], device: str) -> Callable[[], object]:
    import dataclasses

    import torch
    from plain import PlainLoop

    from binarygan.data.images import load_images
    from binarygan.training.trainer import Trainer

    count = iterations_a_call(kind, members[0], device) * members[0].batch_size
    fields: dict[str, Any] = {"train_images": count, "critic_schedule": "constant", "slope_rate": 1.0}
    short = [dataclasses.replace(m, **fields) for m in members]
    images = torch.from_numpy(load_images("mnist").bits(count))
    if kind == "engine":
        trainer = Trainer(short, images, device=torch.device(device))
        return trainer.train_epoch
    loop = PlainLoop(short[0], images, torch.device(device))
    return loop.train_epoch


if __name__ == "__main__":
    main()
