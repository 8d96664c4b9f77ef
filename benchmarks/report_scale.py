"""How long it takes to read a large study, to report it, and to renew a watched report.

    python benchmarks/report_scale.py [--members 10000] [--watched 200] [--keep DIR]

Makes studies of synthetic members, one Parquet file each in members/ and curves/ (20 epochs), in a temporary folder.
Each measurement is of a process of its own, from its start to its end.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.results.anchors import load_anchors
from binarygan.config import MemberConfig
from binarygan.paper import paper_config
from study.store.schemas import SCHEMAS
from study.store.tables import WRITING

ROOT = Path(__file__).parents[1]
EPOCHS = 20


def configurations(members: int) -> list[MemberConfig]:
    """The paper's cells and others beside them with ten seeds each, so many that there are `members` of them."""
    cells = []
    choices = product(
        (1e-4, 2e-4, 5e-5, 3e-4, 1e-3, 2e-5, 4e-4, 7e-5, 1.5e-4, 2.5e-4, 6e-5, 8e-4, 9e-5, 1.2e-4, 3e-5, 5e-4, 6e-4),
        (1.1, 1.0, 1.05, 1.2),
        ("wgan-gp", "wgan", "gan"),
        ("mlp", "cnn"),
        ("none", "batch"),
        ("deterministic", "stochastic", "real"),
    )
    for rate, slope, objective, architecture, norm, neuron in choices:
        choice = {
            "learning_rate": rate,
            "slope_rate": slope,
            "objective": objective,
            "architecture": architecture,
            "discriminator_norm": norm,
            "neuron": neuron,
            "data_digest": "431646702e2f04bd",
            "train_images": 60_000,
        }
        cells.append(choice)
    found = [
        paper_config(fidelity="as-described", seed=seed, **cells[i]) for i in range(len(cells)) for seed in range(10)
    ]
    if len(found) < members:
        sys.exit(f"error: at most {len(found)} members")
    return found[:members]


def write(folder: Path, members: int) -> None:
    """The study: numbers of a released run, scattered."""
    rng = np.random.default_rng(0)
    [first, *_] = load_anchors().members.to_dict("records")
    base = {name: value for name, value in first.items() if value == value}  # without what is missing
    numeric = [f.name for f in SCHEMAS["members"] if f.type == pa.float64() and f.name in base]
    rows, curves = [], []
    for i, config in enumerate(configurations(members)):
        status = ("failed", "diverged")[i % 2] if i % 97 == 0 else "done"
        numbers = {n: float(base[n] * rng.lognormal(0, 0.05)) for n in numeric}
        own = config.to_dict() | {"member_id": config.member_id, "cell_id": config.cell_id, "study": "synthetic"}
        plain = {"fidelity": "as-described", "status": status, "error": "boom" if status != "done" else None}
        rows.append(base | numbers | own | plain | {"epochs_done": EPOCHS})
        light = {n: numbers[n] for n in SCHEMAS["curves"].names if n in numbers}
        curves += [
            {"member_id": config.member_id, "epoch": e + 1, "slope": 1.0, "evaluation_seconds": 1.0}
            | {n: v * (1 + 1 / (e + 1)) for n, v in light.items()}
            for e in range(EPOCHS)
        ]
    for table, entries, each in (("members", rows, 1), ("curves", curves, EPOCHS)):
        (folder / table).mkdir(parents=True)
        whole = pa.Table.from_pylist(entries, schema=SCHEMAS[table])
        for i, row in enumerate(rows):
            path = folder / table / f"{row['member_id']}.parquet"
            pq.write_table(whole.slice(i * each, each), path, **WRITING[table])


READ = """
from analysis import load_study
study = load_study({folder!r})
assert len(study.members) == {members}
assert len(study.curves()) == {members} * {epochs}
"""


def measured(*words: str) -> str:
    """The seconds and the peak memory of a Python process with these arguments."""
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, *words], cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"error: {words[0]} {words[1]} ended with status {status}")
    return f"{time.perf_counter() - start:.1f} s, {used.ru_maxrss / 1024:,.0f} MiB at its peak"


def renewals(study: Path, out: Path, times: int = 3) -> list[str]:
    """What `--watch` says of the page's first making, and of each time after an epoch of one run was written."""
    paths = sorted((study / "curves").iterdir())
    words = [sys.executable, "-u", "-m", "analysis", "report", str(study), "--out", str(out), "--watch"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            if "renewed in" not in line:
                continue
            said.append(line.partition("renewed in ")[2].partition(":")[0])
            if len(said) > times:
                break
            path = paths[len(said)]
            table = pq.read_table(path)
            pq.write_table(table.slice(0, EPOCHS - 1), path, **WRITING["curves"])
        process.terminate()
    return said


def main() -> None:
    """Make, measure, say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--watched", type=int, default=200, help="members of the study whose report is watched")
    parser.add_argument("--keep", type=Path, help="an empty or new folder to keep the studies and their reports in")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        study, small = folder / "synthetic", folder / "watched"
        for path, members in ((study, arguments.members), (small, arguments.watched)):
            if not path.exists():
                start = time.perf_counter()
                write(path, members)
                print(f"{members} members written in {time.perf_counter() - start:.0f} s", flush=True)
        compact = folder / "published" / "synthetic"
        print(f"published: {measured('-m', 'study.publish', str(study), str(compact))}", flush=True)
        for path, files in ((study, "a file a run"), (compact, "published")):
            code = READ.format(folder=str(path), members=arguments.members, epochs=EPOCHS)
            line = measured("-c", code)
            print(f"load_study and curves() of {arguments.members} members, {files}: {line}", flush=True)
        out = folder / "report"
        line = measured("-m", "analysis", "report", str(study), "--out", str(out))
        size = (out / "report.html").stat().st_size / 1e6
        print(f"report of {arguments.members} members: {line}, page {size:.1f} MB", flush=True)
        first, *later = renewals(small, folder / "watched-report")
        print(f"watched report of {arguments.watched} members: made in {first}, renewed in {', '.join(later)}")


if __name__ == "__main__":
    main()
