"""A made-up study on disk: the paper's cells with three seeds, in the store's own files."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from made_up import made_up

from analysis.results.anchors import load_anchors
from binarygan.data.images import load_images
from binarygan.metrics.names import BERNOULLI, columns
from study.design.grids import GRIDS
from study.store.schemas import SCHEMAS

LEVELS = {"wgan-gp": 10.0, "wgan": 25.0, "wgan-weights": 30.0, "gan": 80.0}
"""FIDs."""
SCRIPT = "<script>document.title = 'taken over'</script><img src=x onerror=alert(1)>"
"""For names and errors: it has to stay text."""


def paper_members(*, seeds: int = 3, grid: str = "paper") -> pd.DataFrame:
    """The grid's runs, as-released, with the released DBN run's numbers, FID by objective, and provenance."""
    anchors = load_anchors().members
    base = anchors[(anchors["objective"] == "wgan-gp") & (anchors["neuron"] == "real")].iloc[0]
    data = load_images("mnist").digest
    frames = []
    for i, cell in enumerate(GRIDS[grid].cells("as-released", data_digest=data, train_images=70_000, data="mnist")):
        names = [c for c in columns(light=False) if cell.neuron == "real" or not c.endswith(BERNOULLI)]
        fid = LEVELS[cell.objective] * (1 + i / 50)
        metrics: dict[str, float] = {n: float(base[n]) for n in names} | {"fid": fid}
        metrics |= {"fid_bernoulli": fid + 1} if cell.neuron == "real" else {}
        frames.append(made_up(seeds=seeds, metrics=metrics, **{k: v for k, v in cell.to_dict().items() if k != "seed"}))
    members = pd.concat(frames, ignore_index=True)
    provenance = {c: base[c] for c in ("extractors", "versions", "git_commit", "started_at")}
    losses = {"discriminator_loss": -1.0, "generator_loss": 0.5}
    error = pd.Series([None] * len(members), dtype=object)
    return members.assign(**provenance, **losses, device="cpu", seconds=3600.0, epochs_done=20, error=error)


def write_study(
    folder: Path, members: pd.DataFrame, *, epochs: tuple[int, ...] = (1, 20), samples: bool = True
) -> None:
    """Write each run's files; samples and histograms are those of a released run but for one value."""
    anchors = load_anchors()
    [donor] = anchors.members[anchors.members["neuron"].eq("real")]["member_id"]
    for table in ("members", "curves", *(("samples", "histograms") if samples else ())):
        (folder / table).mkdir(parents=True, exist_ok=True)
        donated: list[dict[str, Any]] = []
        if table in ("samples", "histograms"):
            [row] = pq.read_table(anchors.folder / table / f"{donor}.parquet", partitioning=None).to_pylist()
            donated = [row | {"epoch": epoch} for epoch in epochs]
        for i, member in enumerate(members.to_dict("records")):
            known = {k: v for k, v in member.items() if v is not None and v == v}
            rows = [row | {"member_id": member["member_id"]} for row in donated]
            if table == "samples":  # each run has its own
                rows = [row | {"bits": bytes([i % 256]) + row["bits"][1:]} for row in rows]
            if table == "histograms":
                rows = [row | {"counts": [row["counts"][0] + i, *row["counts"][1:]]} for row in rows]
            if table == "samples" and member["neuron"] != "real":
                rows = [row | {"bernoulli_bits": None} for row in rows]
            if table == "members":
                rows = [known]
            if table == "curves":
                rows = [{**known, "epoch": e, "slope": 1.0, "evaluation_seconds": 60.0} for e in epochs]
                rows = [{k: v for k, v in row.items() if k in SCHEMAS["curves"].names} for row in rows]
            write_rows(folder, table, member["member_id"], rows)


def write_rows(folder: Path, table: str, name: str, rows: list[dict[str, Any]]) -> Path:
    """One file of a table."""
    path = folder / table / f"{name}.parquet"
    whole = [{k: v.item() if isinstance(v, np.generic) else v for k, v in row.items()} for row in rows]
    pq.write_table(pa.Table.from_pylist(whole, schema=SCHEMAS[table]), path, compression="zstd")
    return path


MEMBERS = paper_members(seeds=1, grid="paper-neurons")
"""DBN, SBN and real-valued."""


def ids() -> list[str]:
    return list(MEMBERS["member_id"])
