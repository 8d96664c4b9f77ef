"""What a study costs beside its training: `python benchmarks/study_costs.py`.

Real runs of `study/run.py` on 128 digits. A run's overhead is its wall time less the `seconds` of its members (training
and evaluation, as the store has them) over the trials at a time; how it grows with members, epochs and Ray nodes gives
what Ray and the store would cost at full length.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from binarygan.data.images import load_images

ROOT = Path(__file__).parents[1]
SLOTS = os.cpu_count() or 1
PORT = 6399


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", nargs="+", type=int, default=[2, 8])
    parser.add_argument("--epochs", nargs="+", type=int, default=[1, 10])
    parser.add_argument("--nodes", nargs="+", type=int, default=[1, 3])
    parser.add_argument("--full-hours", type=float, help="of paper-appendix by --plan, to say Ray's share of it")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "digits.npy"
        np.save(data, load_images("mnist").bits(128).reshape(-1, 28, 28))
        report: dict[str, Any] = {}

        def measured(key: str, value: Any) -> None:
            report.setdefault(key, []).append(value)
            print(key, json.dumps(value), flush=True)

        for executor in ("ray", "local", "ray", "local", "ray", "local"):
            seconds = first_step(data, Path(scratch) / f"first-{len(report.get('first step', []))}", executor)
            measured("first step", {executor: round(seconds, 1)})
        for n in arguments.members:
            measured("members", run(data, Path(scratch) / f"m{n}", n, 1))
        for n in arguments.epochs:
            measured("epochs", run(data, Path(scratch) / f"e{n}", 2, n))
        for n in arguments.nodes:
            measured("nodes", on_nodes(data, Path(scratch) / f"n{n}", n))
    report["fit"] = fit(report["members"] + report["epochs"])
    print("fit", json.dumps(report["fit"]))
    if arguments.full_hours:
        fitted = report["fit"]
        spent = fitted["start"] + (12 * fitted["a_trial"] + 12 * 20 * fitted["an_epoch"]) / SLOTS
        print(f"paper-appendix at full length: {spent:.0f} s, {spent / 3600 / arguments.full_hours:.2%} of it")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1))


def command(data: Path, results: Path, members: int, epochs: int, *more: str) -> list[str]:
    words = ["--grid", "paper-real-valued", "--data", str(data), "--results", str(results), "--seeds", str(members)]
    return [sys.executable, str(ROOT / "study" / "run.py"), *words, "--epochs", str(epochs), *more]


def first_step(data: Path, results: Path, executor: str) -> float:
    """Seconds from the command to the row that a trial writes just before its first step."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command(data, results, 1, 1, "--executor", executor), stdout=subprocess.DEVNULL, cwd=ROOT
    )
    while not list(results.glob("*/members/*.parquet")):
        if process.poll() is not None:
            sys.exit("the run ended before its first step")
        time.sleep(0.02)
    seconds = time.perf_counter() - start
    process.wait()
    return seconds


def run(
    data: Path, results: Path, members: int, epochs: int, *more: str, cores: int = SLOTS, **environment: str
) -> dict[str, float]:
    """One run with Ray on so many cores, and its overhead."""
    words, own = command(data, results, members, epochs, *more), os.environ | environment
    start = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, cwd=ROOT, env=own)
    wall = time.perf_counter() - start
    folder = next(results.iterdir())
    trained = pd.read_parquet(folder / "members")["seconds"].sum()
    files = [p for p in folder.rglob("*") if p.is_file()]
    return {
        "members": members,
        "epochs": epochs,
        "wall": wall,
        "overhead": float(wall - trained / min(cores, members)),
        "files": len(files),
        "megabytes": sum(p.stat().st_size for p in files) / 1e6,
    }


def on_nodes(data: Path, results: Path, nodes: int) -> dict[str, float]:
    """6 members on so many Ray nodes of one core each, all on this machine."""
    ray = str(Path(sys.executable).parent / "ray")
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
    environment = os.environ | token | {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
    address = f"127.0.0.1:{PORT}"
    head = ["--head", f"--port={PORT}", "--node-ip-address=127.0.0.1", "--include-dashboard=false"]
    try:
        for node in range(nodes):
            where = head if node == 0 else [f"--address={address}"]
            subprocess.run([ray, "start", *where, "--num-cpus=1"], check=True, **quiet)  # type: ignore[call-overload]
        return {"nodes": nodes} | run(data, results, 6, 1, "--address", address, cores=min(nodes, SLOTS), **token)
    finally:
        subprocess.run([ray, "stop", "--force"], **quiet)  # type: ignore[call-overload]


def fit(runs: list[dict[str, float]]) -> dict[str, float]:
    """Least squares: overhead = start + a_trial * trials / slots + an_epoch * epochs * trials / slots."""
    rows = [[1.0, r["members"] / SLOTS, r["members"] * r["epochs"] / SLOTS] for r in runs]
    found, *_ = np.linalg.lstsq(np.array(rows), np.array([r["overhead"] for r in runs]), rcond=None)
    return dict(zip(("start", "a_trial", "an_epoch"), found.tolist(), strict=True))


if __name__ == "__main__":
    main()
