"""The tables of docs/performance.md that are more than a file of docs/measured."""

import math

import numpy as np
from scipy import stats

from tools.docs_tables.findings import of_appendix
from tools.docs_tables.measured import entry, measured, records
from tools.docs_tables.named import TABLES, Table
from tools.docs_tables.runs import Runs, each, named, published

NO_BF16 = "no instructions"


@TABLES.named("targets-cpu")
def targets_cpu() -> Table:
    """Each target, and what the tables below have of it; bold where it is reached."""
    rows = []
    for network, precision, least in (("MLP", "fp32", 3), ("MLP", "bf16", 5), ("CNN", "fp32", 2), ("CNN", "bf16", 3)):
        row = f"{network}, {precision}"
        older = [
            entry("engine-other-machines", f"{machine}, {row}", "plain / engine") if precision == "fp32" else NO_BF16
            for machine in ("Xeon (Ice Lake)", "EPYC (AVX2)")
        ]
        ratio = entry("engine", row, "plain / engine")
        rows.append([f"{network} WGAN-GP, {precision}", f"{least} times the plain loop", _bold(ratio, least), *older])
    first = {row["machine"]: f"{row['by Ray']} by Ray, {row['local']} local" for row in records("first-step")}
    rows.append(["command to first training step, fp32", "12 s", first["EPYC (Zen 5)"], "", first["EPYC (AVX2)"]])
    machines = ("EPYC, AVX-512 and bf16 (Zen 5)", "Xeon, AVX-512 (Ice Lake)", "EPYC, AVX2")
    return Table(["", "target", *machines], rows)


@TABLES.named("targets-gpu")
def targets_gpu() -> Table:
    """The best cohort size of each row of the GPU's table."""
    ratio, share = "plain / engine", "share of the floor"
    tf32, fp32, cnn = (_best(row) for row in ("MLP WGAN-GP, tf32", "MLP WGAN-GP, fp32", "CNN WGAN-GP, tf32"))
    ray, idle = _ray_share()
    many = f"{_bold(tf32[ratio], 50)} in tf32, {_bold(fp32[ratio], 50)} in fp32 ({fp32['together']} together)"
    floor = f"{_bold(fp32[share], 40)} in fp32, {_bold(tf32[share], 40)} in tf32 ({fp32['together']} together)"
    alone = "times the plain eager loop, one member at a time on the same GPU"
    below = "[below](#what-ray-and-the-store-cost)"
    rows = [
        ["MLP WGAN-GP, members an hour", f"50 {alone}", many],
        ["CNN WGAN-GP", f"20 {alone}", f"{_bold(cnn[ratio], 20)} in tf32 ({cnn['together']} together)"],
        ["share of the floor, MLP, best cohort size", "40%", floor],
        [
            "Ray's share of a study on a CPU",
            "5% of the appendix at full length",
            f"{ray:.1%}, or {ray + idle:.1%} with a core that was idle at the end ({below})",
        ],
    ]
    return Table(["", "target", "one H200, or the CPU"], rows)


@TABLES.named("appendix-epoch")
def appendix_epoch() -> Table:
    """Seconds before and after, their ratios, and all of a column together."""
    kept = list(records("appendix-epoch"))
    columns = [head for head in measured("appendix-epoch").heads if head != "MLP"]
    total = {"MLP": "together"} | {c: f"{sum(float(row[c]) for row in kept):.1f}" for c in columns}
    rows = []
    for row in (*kept, total):
        numbers = [float(row[column]) for column in columns]
        ratios = [f"{before / after:.2f}" for before, after in zip(numbers[::2], numbers[1::2], strict=True)]
        dbn, sbn = columns[:2], columns[2:]
        rows.append([row["MLP"], *(row[c] for c in dbn), ratios[0], *(row[c] for c in sbn), ratios[1]])
    return Table(["MLP", "DBN, before", "after", "ratio", "SBN, before", "after", "ratio"], rows)


@TABLES.named("ray-share")
def ray_share() -> Table:
    """What stands between a run's wall time and its members' own, of one core."""
    (row,) = records("ray-share")
    ray, idle = _ray_share()
    heads = [*row, "Ray and the store", "idle core"]
    return Table(heads, [[*row.values(), f"{ray:.1%}", f"{idle:.1%}"]])


@TABLES.named("bf16-full-length")
def bf16_full_length() -> Table:
    """FID of WGAN-GP's seeds, in float32 from the runs that ship."""
    kept = {(row["norm in D"], row["neuron"]): row["FID"] for row in records("bf16-full-length")}
    fp32 = [own for own in of_appendix(published("paper-as-released").members, 3) if own.part("objective") == "WGAN-GP"]
    rows = [[f"{own.norm} in D, {own.neuron}", each("fid", 2)(own), kept[own.norm, own.neuron]] for own in fp32]
    return Table(["WGAN-GP, MLP", "fp32", "bf16"], rows)


@TABLES.named("gpu-against-cpu")
def gpu_against_cpu() -> Table:
    """Ratio of FID with Welch's 95% interval, on logarithms: in tf32 on a GPU over in fp32 on a CPU."""
    rows: dict[tuple[str, str], list[str]] = {}
    pairs = (of_appendix(published(name).members) for name in ("appendix-ten-seeds", "paper-as-released"))
    for gpu, cpu in zip(*pairs, strict=True):
        rows.setdefault((gpu.part("objective"), gpu.norm), []).append(_fid_ratio(gpu, cpu))
    return Table(["", "norm in D", "DBN", "SBN"], [[*names, *ratios] for names, ratios in rows.items()])


@TABLES.named("gpu-numbers-first-epoch")
def gpu_numbers_first_epoch() -> Table:
    """Losses and FID of two seeds after one epoch: on the GPU from the curves that ship."""
    kept = {(row["objective"], row["norm in D"], row["neuron"]): row for row in records("gpu-numbers-on-a-cpu")}
    study = published("appendix-ten-seeds")
    curves = study.curves()
    first = curves[curves["epoch"] == 1].set_index("member_id")
    rows = []
    for own in of_appendix(study.members, 2):
        theirs = first.loc[own.rows["member_id"]]
        losses = ", ".join(f"{x:.2e}" if abs(x) < 1e-3 else f"{x:.3f}" for x in theirs["discriminator_loss"])
        fids = ", ".join(f"{x:.1f}" for x in theirs["fid"])
        cpu = kept[own.part("objective"), own.norm, own.neuron]
        rows.append([named(own), own.norm, losses, cpu["D's loss"], fids, cpu["FID"]])
    return Table(["", "norm in D", "D's loss, GPU", "CPU", "FID, GPU", "CPU"], rows)


def _best(row: str) -> dict[str, str]:
    """The line of the GPU's table at which a network was trained fastest."""
    lines = [line for line in records("gpu-engine") if line[""] == row]
    return max(lines, key=lambda line: float(line["plain / engine"]))


def _bold(text: str, target: float) -> str:
    return f"**{text}**" if float(text.rstrip("%")) >= target else text


def _ray_share() -> tuple[float, float]:
    """The shares of a run's time that Ray and the store took, and a core that had nothing left to do."""
    (row,) = records("ray-share")
    wall, own, cores, idle = map(float, row.values())
    between = wall - own / cores
    return (between - idle / cores) / wall, idle / cores / wall


def _fid_ratio(x: Runs, y: Runs) -> str:
    logs = (np.log(runs.values("fid")) for runs in (x, y))
    found = stats.ttest_ind(*logs, equal_var=False)
    a, b = (float(np.log(runs.values("fid")).mean()) for runs in (x, y))
    low, high = found.confidence_interval(0.95)
    return f"{math.exp(a - b):.2f} [{math.exp(low):.2f}, {math.exp(high):.2f}]"
