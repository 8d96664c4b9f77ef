"""Two results folders side by side."""

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import labels
from analysis.compare.matching import Pair, difference, match
from analysis.report.page import Page, Section, render
from analysis.report.report import prepare
from analysis.results.load import Study, load_study
from analysis.results.naming import cell_names
from analysis.statistics.differences import holm, is_ratio
from analysis.statistics.summaries import by_binarization, finished, summarize
from analysis.tables import formats
from analysis.tables.entries import Entry, Table, column, count, first, interval, measure, probability, spread, tabled
from binarygan.metrics.names import columns

PAGE = "compare.html"
METRICS = ("fid", "precision", "recall", "coverage", "classes_covered", "isolated_pixel_rate")
ONLY = "Cells in one alone"
TABLES = (*(f"differences-{m}" for m in METRICS), "members", "only")


def write_comparison(a: Path, b: Path, out: Path) -> list[str]:
    """Write tables/ and compare.html; what a reader has to be told.

    Raises:
        UserError: one of the folders holds no study, or `out` lies within one or cannot be written.
    """
    studies = load_study(a), load_study(b)
    prepare(out, a, b)
    pairs, only_a, only_b = match(studies[0].members, studies[1].members)
    differences = [differences_table(studies, pairs, metric) for metric in METRICS] if pairs else []
    equality, said = members_table(studies)
    only = only_table(studies, only_a, only_b)
    formats.write([t for t in (*differences, equality, only) if t], out / "tables", TABLES)
    problems = [f"{s}: {line}" for s, study in zip("AB", studies, strict=True) for line in study.problems]
    same = sum(not p.unlike for p in pairs)
    facts = (
        ("A", f"{a}: {_size(studies[0])}"),
        ("B", f"{b}: {_size(studies[1])}"),
        (
            "Cells",
            f"{same} in both; {len(pairs) - same} in both with other settings; {len(only_a)} in A alone; "
            f"{len(only_b)} in B alone",
        ),
        ("The same runs", said),
    )
    text = (
        "Differences are B's number minus A's; FID is compared as a ratio, B's over A's. Where two seeds or more are "
        "done in both and the cell is one configuration, seeds are paired and the row is of those pairs alone; "
        "otherwise Welch's t interval is given. p is two-sided, Holm-adjusted over the rows of its table; runs "
        "that are copies of each other have no spread and no p.",
    )
    summary = Section(
        name="summary",
        title="Summary",
        text=text,
        facts=facts,
        warnings=tuple(problems),
        warnings_title="Read first: what is wrong with the files",
    )
    shown = tuple(first(t) for t in differences)
    missing = () if pairs else ("The two have no cell in common.",)
    sections = (
        summary,
        Section(name="both", title="Cells in both", tables=shown, missing=missing),
        *(
            Section(name=name, title=title, tables=(first(table),))
            for name, title, table in (("only", ONLY, only), ("members", "The same runs in both", equality))
            if table
        ),
    )
    title = f"{studies[0].name} and {studies[1].name} side by side"
    lead = f"A is {studies[0].name}, B is {studies[1].name}."
    (out / PAGE).write_text(
        render(Page(title, lead, sections, "Made by python -m analysis compare.")), encoding="utf-8"
    )
    return [*problems, f"cells: {facts[2][1]}", f"the same runs: {said}"]


def differences_table(studies: tuple[Study, Study], pairs: Sequence[Pair], metric: str) -> Table:
    """Each pair of cells in one metric."""
    outputs, ratio = [by_binarization(s.members, metric) for s in studies], is_ratio(metric)
    groups = [dict(list(o.groupby(["cell_id", "binarization"], sort=False))) for o in outputs]
    names = cell_names(studies[0].members)
    order = {cell_id: i for i, cell_id in enumerate(names)}
    rows: list[dict[str, Any]] = []
    for pair in sorted(pairs, key=lambda pair: order.get(pair.a, len(order))):
        for kind in labels.BINARIZATIONS:
            if (pair.a, kind) not in groups[0] or (pair.b, kind) not in groups[1]:
                continue
            a, b = finished(groups[0][pair.a, kind], "value"), finished(groups[1][pair.b, kind], "value")
            found = difference(a, b, same=not pair.unlike, ratio=ratio)
            if found.seeds is not None:  # what stands beside a difference of pairs is of the same pairs
                a, b = a[found.seeds], b[found.seeds]
            cell = names.get(pair.a, pair.a) + labels.BINARIZATIONS[kind]
            rows.append({"cell": cell, "a": a, "b": b, "found": found, "p": found.p, "unlike": pair.unlike})
    for row, adjusted in zip(rows, holm([row["p"] for row in rows]).tolist(), strict=True):
        row["p_holm"] = adjusted
    mean = partial(_mean, metric)
    kind_, what = ("ratio", "B / A") if ratio else ("difference", "B - A")
    meaning = "[95% interval]" + " of the geometric mean" * ratio
    columns_ = (
        column("cell", "cell"),
        column("n_a", "seeds, A", count, "that the row is of", of=lambda row: len(row["a"])),
        column("n_b", "seeds, B", count, of=lambda row: len(row["b"])),
        column("a", "A", mean, labels.MEANINGS[metric]),
        column("b", "B", mean),
        column(kind_, what, lambda d: interval(d.mean, d.low, d.high), meaning, of=lambda row: row["found"]),
        column("p", "p", probability),
        column("p_holm", "p (Holm)", probability, "adjusted over the rows"),
        column("how", "how", of=lambda row: row["found"].how),
        column("unlike", "settings that differ, A → B"),
    )
    return tabled(f"differences-{metric}", labels.COLUMNS[metric], columns_, rows)


def _mean(metric: str, values: pd.Series) -> Entry:
    return spread(summarize(values, metric))


def members_table(studies: tuple[Study, Study]) -> tuple[Table | None, str]:
    """Runs that both have and whose numbers differ, and in a line how many are equal."""
    a, b = (s.members.drop_duplicates("member_id").set_index("member_id") for s in studies)
    common = a.index.intersection(b.index)
    if common.empty:
        return None, "no run is in both"
    a, b = a.loc[common], b.loc[common]
    equal = ("status", "epochs_done", "discriminator_loss", "generator_loss", *columns(light=False))
    unequal = pd.DataFrame({c: ~((a[c] == b[c]) | (a[c].isna() & b[c].isna())) for c in equal})
    differing = common[unequal.any(axis=1)]
    said = f"{len(common)} in both: {len(common) - len(differing)} equal in every number, {len(differing)} not"
    if differing.empty:
        return None, said
    names = cell_names(studies[0].members)
    both = a.loc[differing].add_suffix("_a").join(b.loc[differing].add_suffix("_b"))
    rows = both.assign(member_id=both.index, differing=unequal.sum(axis=1)).to_dict("records")
    columns_ = (
        column("member_id", "run"),
        column("cell", "cell", of=lambda row: names.get(row["cell_id_a"], "")),
        column("seed", "seed", measure, of=lambda row: row["seed_a"]),
        column("status_a", "A", of=lambda row: f"{row['status_a']}, epoch {row['epochs_done_a']:g}"),
        column("status_b", "B", of=lambda row: f"{row['status_b']}, epoch {row['epochs_done_b']:g}"),
        column("differing", "numbers that differ", count, f"of {len(equal)} columns"),
        column("fid_a", "FID, A", measure),
        column("fid_b", "FID, B", measure),
        column("device", "devices", of=_devices),
    )
    return tabled("members", "Runs whose numbers differ", columns_, rows), said


def _devices(row: Mapping[Hashable, Any]) -> str:
    return " / ".join(dict.fromkeys(str(row[f"device_{side}"]) for side in "ab"))


def only_table(studies: tuple[Study, Study], only_a: Sequence[str], only_b: Sequence[str]) -> Table | None:
    """Cells that one folder alone has."""
    rows = []
    for name, study, ids in zip("AB", studies, (only_a, only_b), strict=True):
        names = cell_names(study.members)
        groups = dict(list(study.members.groupby("cell_id", sort=False)))
        rows += [
            {"cell": names.get(i, i), "in": name, "runs": groups[i], "fid": finished(groups[i], "fid")} for i in ids
        ]
    columns_ = (
        column("cell", "cell"),
        column("in", "in"),
        column("members", "runs", count, of=lambda row: len(row["runs"])),
        column("done", "done", count, of=lambda row: int((row["runs"]["status"] == "done").sum())),
        column(
            "fid", "FID", partial(_mean, "fid"), labels.MEANINGS["fid"], of=lambda row: finished(row["runs"], "fid")
        ),
    )
    return tabled("only", ONLY, columns_, rows) if rows else None


def _size(study: Study) -> str:
    members = study.members
    done = int((members["status"] == "done").sum())
    return f"{len(members):,} runs of {members['cell_id'].nunique():,} cells, {done:,} done"
