"""One epoch of the engine against the plain eager loop that one would write: `python benchmarks/plain_loop.py`.

Both sides do the same work (one member, the same batches' sizes, critic steps and updates) in one process, in turns;
the figure is the ratio of their medians. The plain loop is kept here as the baseline of every claim of speed.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objective", nargs="+", default=["wgan-gp", "wgan", "gan"])
    parser.add_argument("--architecture", nargs="+", default=["mlp"])
    parser.add_argument("--neuron", nargs="+", default=["deterministic", "stochastic"])
    parser.add_argument("--fidelity", default="as-described")
    parser.add_argument("--threads", type=int, default=1, help="threads of either side (a trial has one)")
    parser.add_argument("--iterations", type=int, default=60, help="of 5 critic steps and a generator step, a turn")
    parser.add_argument(
        "--epoch", action="store_true", help="a turn is a whole epoch of 937 iterations with its warm-up"
    )
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    rows = [
        compare(objective, architecture, neuron, arguments)
        for objective in arguments.objective
        for architecture in arguments.architecture
        for neuron in arguments.neuron
    ]
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


def compare(objective: str, architecture: str, neuron: str, arguments: argparse.Namespace) -> dict[str, object]:
    """Time both sides in turns and print one line."""
    import torch
    from plain import PlainLoop

    from binarygan.config import paper_config
    from binarygan.data import load_images
    from binarygan.memory import keep_freed_memory
    from binarygan.training import Trainer

    torch.set_num_threads(arguments.threads)
    keep_freed_memory()  # the plain loop gains from it, too
    data = load_images("mnist")
    count = 60_000 if arguments.epoch else 64 * arguments.iterations
    config = paper_config(
        fidelity=arguments.fidelity,
        objective=objective,
        architecture=architecture,
        neuron=neuron,
        critic_schedule="released" if arguments.epoch else "constant",
        data_digest=data.digest,
        train_images=count,
    )
    images = torch.from_numpy(data.bits(count))
    trainer = Trainer([config], images, device=torch.device("cpu"))
    plain = PlainLoop(config, images)

    def seconds(run: Callable[[], object]) -> float:
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    if not arguments.epoch:  # an epoch is long enough to need no warm-up turn
        trainer.train_epoch(), plain.train_epoch()
    engine_seconds, plain_seconds = [], []
    for _ in range(arguments.turns):
        plain_seconds.append(seconds(plain.train_epoch))
        engine_seconds.append(seconds(trainer.train_epoch))
    iterations = config.iterations_per_epoch
    ours, theirs = (statistics.median(s) / iterations * 1e3 for s in (engine_seconds, plain_seconds))
    row: dict[str, object] = {
        "objective": objective,
        "architecture": architecture,
        "neuron": neuron,
        "threads": arguments.threads,
        "iterations": iterations,
        "plain_ms": round(theirs, 2),
        "engine_ms": round(ours, 2),
        "ratio": round(theirs / ours, 2),
        "torch": torch.__version__,
    }
    print(
        f"{objective:8} {architecture} {neuron:13} plain {theirs:7.2f} ms  engine {ours:7.2f} ms an iteration  "
        f"ratio {theirs / ours:.2f}  ({arguments.turns} turns of {iterations} iterations, {arguments.threads} thread)",
        flush=True,
    )
    return row


if __name__ == "__main__":
    main()
