"""Where an iteration's time goes, one member on one core: `python benchmarks/iteration_profile.py`.

Beside the products' time stands what their operations would take at the rate of a large product, so that the rest is
either products of small shapes, or no products.
"""

import argparse
import time
from collections import defaultdict

import torch
from floor import flops, product_rate
from torch.profiler import ProfilerActivity, profile, schedule

from binarygan.arithmetic.process import keep_freed_memory
from binarygan.data.images import load_images
from binarygan.paper import paper_config
from binarygan.training.trainer import Trainer

ITERATIONS = {"mlp": 40, "cnn": 6}
PRODUCTS = (
    *("_linear_pointwise", "mm", "addmm", "bmm", "baddbmm"),
    *("_convolution", "mkldnn_convolution", "convolution_backward"),
)
OPTIMIZERS = ("_fused_adam_", "_fused_adamw_", "_foreach_")
KINDS = ("products", "optimizer's updates", "other operations", "between operations (Python, dispatch)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objective", default="wgan-gp")
    parser.add_argument("--architecture", default="mlp", choices=tuple(ITERATIONS))
    parser.add_argument("--fidelity", default="as-described")
    parser.add_argument("--precision", default="fp32", choices=("fp32", "bf16"))
    parser.add_argument("--top", type=int, default=12, help="operations to list")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    count = ITERATIONS[arguments.architecture]
    config = paper_config(
        fidelity=arguments.fidelity,
        objective=arguments.objective,
        architecture=arguments.architecture,
        neuron="deterministic",
        data_digest="benchmark",
        train_images=count * 64,
        critic_schedule="constant",
        dtype={"fp32": "float32", "bf16": "bfloat16"}[arguments.precision],
    )
    images = torch.from_numpy(load_images("mnist").bits(config.train_images))
    trainer = Trainer([config], images, device=torch.device("cpu"))
    trainer.train_epoch()
    wall = min(_seconds(trainer) for _ in range(5)) / count * 1e3
    each, wall_profiled = _profiled(trainer, count)
    cpu = torch.device("cpu")
    ideal = flops(config) / product_rate(config, cpu) * 1e3
    print(f"{wall:.1f} ms an iteration; {wall_profiled:.1f} ms under the profiler, of which")
    for kind, milliseconds in zip(KINDS, _by_kind(each, wall_profiled), strict=True):
        note = f"  ({ideal:.1f} ms at the rate of large products)" if kind == "products" else ""
        print(f"  {kind:40}{milliseconds:7.2f} ms {milliseconds / wall_profiled:6.1%}{note}")
    for (name, shapes), milliseconds in sorted(each.items(), key=lambda x: -x[1])[: arguments.top]:
        print(f"    {milliseconds:6.2f} ms  {name:14} {shapes}")


def _seconds(trainer: Trainer) -> float:
    start = time.perf_counter()
    trainer.train_epoch()
    return time.perf_counter() - start


def _profiled(trainer: Trainer, count: int) -> tuple[dict[tuple[str, str], float], float]:
    """Milliseconds of an iteration in each operation itself, by name and shapes, and of the whole iteration."""
    each: dict[tuple[str, str], float] = defaultdict(float)
    plan = schedule(wait=0, warmup=1, active=1, repeat=1)
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True, schedule=plan) as profiler:
        _seconds(trainer)
        profiler.step()
        seconds = _seconds(trainer)
    for event in profiler.key_averages(group_by_input_shape=True):
        if event.key.startswith(("aten::", "mkldnn::")):
            shapes = " ".join(str(s) for s in event.input_shapes if s)
            each[event.key.split("::")[1], shapes] += event.self_cpu_time_total / count / 1e3
    return dict(each), seconds / count * 1e3


def _by_kind(each: dict[tuple[str, str], float], wall: float) -> list[float]:
    """In the order of `KINDS`."""
    sums = dict.fromkeys(KINDS, 0.0)
    for (name, _), milliseconds in each.items():
        kind = KINDS[0] if name in PRODUCTS else KINDS[1] if name.startswith(OPTIMIZERS) else KINDS[2]
        sums[kind] += milliseconds
    sums[KINDS[3]] = wall - sum(sums.values())
    return list(sums.values())


if __name__ == "__main__":
    main()
