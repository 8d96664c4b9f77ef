"""Tables of where the numbers come from: failures, environment, time."""

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow.csv import write_csv

from analysis import labels
from analysis.results.load import counts_of_versions, versions_of
from analysis.results.study import Study
from analysis.tables.entries import Entry, Table, column, count, measure, tabled
from analysis.tables.formats import inert


def failures_table(members: pd.DataFrame, names: Mapping[str, str]) -> Table | None:
    """Every run that is not done and was not stopped on purpose, with its reason; None where there is none."""
    rest = members[~members["status"].isin(("done", "stopped"))]
    if rest.empty:
        return None
    columns = (
        column("member_id", "run"),
        column("cell", "cell", of=lambda row: names.get(row["cell_id"], row["cell_id"])),
        column("seed", "seed", measure),
        column("status", "status", of=lambda row: labels.STATUSES.get(row["status"], row["status"])),
        column("epochs_done", "epochs", measure),
        column("error", "reason"),
    )
    ordered = rest.sort_values(["status", "cell_id", "seed"], kind="stable")
    return tabled("failures", "Runs that are not done", columns, ordered.to_dict("records"))


def environment_table(members: pd.DataFrame) -> Table:
    """Packages, commits, devices, extractors and data, each with how many runs have it."""
    counts = counts_of_versions(members)
    for name, what in (
        ("git_commit", "commit"),
        ("device", "device"),
        ("extractors", "feature extractors (digest)"),
        ("data", "data"),
        ("data_digest", "data (digest)"),
        ("study", "trained as study"),
    ):
        counts[what] = Counter({str(k): int(n) for k, n in members[name].value_counts().items()})
    columns = (column("what", "what"), column("value", "version"), column("members", "runs", count))
    rows = [
        {"what": what, "value": value, "members": n}
        for what, found in counts.items()
        for value, n in found.most_common()
    ]
    return tabled("environment", "Versions, commits and devices", columns, rows)


def reservations(members: pd.DataFrame) -> tuple[str, ...]:
    """Which runs nobody can train again, and why; nothing where there are none."""
    uncommitted = members["git_commit"].fillna("").str.endswith("-dirty")
    # rows without an engine are older than the weights that every PyTorch begins from now
    begun = members["engine"].isna() & (members["device"].fillna("cpu") != "cpu")
    begun &= members["versions"].map(lambda text: versions_of(text).get("torch", "").startswith("2.11"))
    reasons = {
        "were trained by uncommitted code (-dirty): nobody can tell which": uncommitted,
        "began on a GPU from PyTorch 2.11's initial weights, which are drawn otherwise now": begun,
    }
    of_all = f"of {len(members)} runs of this study"
    return tuple(
        f"{n} {of_all} {what}; they cannot be trained again." for what, of in reasons.items() if (n := of.sum())
    )


def time_table(study: Study, names: Mapping[str, str]) -> Table:
    """Hours by cell, cells of one name together, and what part of them was evaluation."""
    of_curves = study.curves().groupby("member_id")[["evaluation_seconds"]].sum()
    members = study.members.join(of_curves, on="member_id")
    cells = members["cell_id"].fillna("")
    keys = [cells.map(names).fillna(cells).rename("cell"), members["device"].fillna("")]
    sums = members.groupby(keys)[["epochs_done", "seconds", "evaluation_seconds"]].sum()
    sums = sums.assign(
        members=members.groupby(keys).size(),
        seconds_an_epoch=sums["seconds"] / sums["epochs_done"].where(sums["epochs_done"] > 0),
        evaluation_share=sums["evaluation_seconds"] / sums["seconds"].where(sums["seconds"] > 0),
    ).reset_index()
    columns = (
        column("cell", "cell"),
        column("device", "device"),
        column("members", "runs", count),
        column("epochs", "epochs", count, "all runs' together", of=lambda row: int(row["epochs_done"])),
        column("hours", "hours", measure, "all runs' together", of=lambda row: row["seconds"] / 3600),
        column("seconds_an_epoch", "s an epoch", measure, "training and evaluation"),
        column("evaluation_share", "evaluation", _percent, "its share of the time"),
    )
    order = {name: i for i, name in enumerate(dict.fromkeys(names.values()))}
    rows = sorted(sums.to_dict("records"), key=lambda row: order.get(row["cell"], len(order)))
    return tabled("time", "How long it took", columns, rows)


def _percent(share: float) -> Entry:
    return measure(share, text=None if math.isnan(share) else f"{share:.0%}")


def write_seeds(members: pd.DataFrame, path: Path) -> None:
    """Every run's row as CSV: configuration, status and all numbers."""
    rows = members.sort_values(["cell_id", "seed"], kind="stable")
    texts = {str(c): rows[c].map(inert, na_action="ignore") for c in rows.select_dtypes(object)}
    write_csv(pa.Table.from_pandas(rows.assign(**texts), preserve_index=False), path)


def wall_clock(members: pd.DataFrame) -> str:
    """When the first and the last run started; empty where no run says so."""
    started = pd.to_datetime(members["started_at"], utc=True, errors="coerce").dropna()
    if started.empty:
        return ""
    first, last = (f"{t:%Y-%m-%d %H:%M} UTC" for t in (started.min(), started.max()))
    return f"started {first}" if first == last else f"started between {first} and {last}"
