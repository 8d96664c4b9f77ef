"""Tables of where the numbers come from: failures, environment, time."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow.csv import write_csv

from analysis import labels
from analysis.results.load import Study, versions_of
from analysis.tables.entries import Column, Entry, Table, count, measure, word
from analysis.tables.formats import inert


def failures_table(members: pd.DataFrame, names: Mapping[str, str]) -> Table | None:
    """Every run that is not done and was not stopped on purpose, with its reason; None where there is none."""
    rest = members[~members["status"].isin(("done", "stopped"))]
    if rest.empty:
        return None
    columns = (
        Column("member_id", "run", numeric=False),
        Column("cell", "cell", numeric=False),
        Column("seed", "seed"),
        Column("status", "status", numeric=False),
        Column("epochs_done", "epochs"),
        Column("error", "reason", numeric=False),
    )
    rows = tuple(
        (
            word(row["member_id"]),
            word(names.get(row["cell_id"], row["cell_id"])),
            measure(row["seed"]),
            word(labels.STATUSES.get(row["status"], row["status"])),
            measure(row["epochs_done"]),
            word(row["error"]),
        )
        for row in rest.sort_values(["status", "cell_id", "seed"], kind="stable").to_dict("records")
    )
    return Table("failures", "Runs that are not done", columns, rows)


def environment_table(members: pd.DataFrame) -> Table:
    """Packages, commits, devices, extractors and data, each with how many runs have it."""
    counts: dict[str, Counter[str]] = {}
    for text, n in members["versions"].value_counts().items():
        for package, version in versions_of(text).items():
            counts.setdefault(package, Counter())[version] += int(n)
    for column, what in (
        ("git_commit", "commit"),
        ("device", "device"),
        ("extractors", "feature extractors (digest)"),
        ("data", "data"),
        ("data_digest", "data (digest)"),
        ("study", "trained as study"),
    ):
        counts[what] = Counter({str(k): int(n) for k, n in members[column].value_counts().items()})
    columns = (
        Column("what", "what", numeric=False),
        Column("value", "version", numeric=False),
        Column("members", "runs"),
    )
    rows = tuple(
        (word(what), word(value), count(n)) for what, found in counts.items() for value, n in found.most_common()
    )
    return Table("environment", "Versions, commits and devices", columns, rows)


def time_table(study: Study, names: Mapping[str, str]) -> Table:
    """Hours by cell, cells of one name together, and what part of them was evaluation."""
    members = study.members
    curves = study.curves()
    sums = curves.groupby("member_id")[["evaluation_seconds"]].sum()
    members = members.join(sums, on="member_id")
    columns = (
        Column("cell", "cell", numeric=False),
        Column("device", "device", numeric=False),
        Column("members", "runs"),
        Column("epochs", "epochs", "all runs' together"),
        Column("hours", "hours", "all runs' together"),
        Column("seconds_an_epoch", "s an epoch", "training and evaluation"),
        Column("evaluation_share", "evaluation", "its share of the time"),
    )
    rows: list[tuple[Entry, ...]] = []
    order = {name: i for i, name in enumerate(dict.fromkeys(names.values()))}
    cells = members["cell_id"].fillna("")
    keys = [cells.map(names).fillna(cells).rename("cell"), members["device"].fillna("")]
    sums = members.groupby(keys)[["epochs_done", "seconds", "evaluation_seconds"]].sum()
    sums = sums.assign(members=members.groupby(keys).size()).reset_index()
    for row in sorted(sums.to_dict("records"), key=lambda row: order.get(row["cell"], len(order))):
        epochs, seconds = row["epochs_done"], row["seconds"]
        share = row["evaluation_seconds"] / seconds if seconds > 0 else float("nan")
        rows.append(
            (
                word(row["cell"]),
                word(row["device"]),
                count(row["members"]),
                count(int(epochs)),
                measure(seconds / 3600),
                measure(seconds / epochs if epochs else None),
                measure(share, text=f"{share:.0%}" if share == share else None),
            )
        )
    return Table("time", "How long it took", columns, tuple(rows))


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
