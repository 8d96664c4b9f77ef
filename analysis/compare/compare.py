"""Two results folders side by side."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis import labels
from analysis.compare.matching import Difference, Pair, difference, match
from analysis.report.page import Page, Section, render
from analysis.report.report import prepare
from analysis.results.load import Study, load_study
from analysis.results.naming import cell_names
from analysis.statistics.differences import holm, is_ratio
from analysis.statistics.summaries import by_binarization, finished, summarize
from analysis.tables import formats
from analysis.tables.entries import Column, Entry, Table, count, first, interval, measure, probability, spread, word
from binarygan.metrics.names import columns

PAGE = "compare.html"
METRICS = ("fid", "precision", "recall", "coverage", "classes_covered", "isolated_pixel_rate")
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
        short="Summary",
        text=text,
        facts=facts,
        warnings=tuple(problems),
        warnings_title="Read first: what is wrong with the files",
    )
    shown = tuple(first(t) for t in differences)
    missing = () if pairs else ("The two have no cell in common.",)
    sections = (
        summary,
        Section(name="both", title="Cells in both", short="Cells in both", tables=shown, missing=missing),
        *_section("only", "Cells in one alone", only),
        *_section("members", "The same runs in both", equality),
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
    cells: list[tuple[str, Pair, pd.Series, pd.Series, Difference]] = []
    order = {cell_id: i for i, cell_id in enumerate(names)}
    for pair in sorted(pairs, key=lambda pair: order.get(pair.a, len(order))):
        for kind in labels.BINARIZATIONS:
            if (pair.a, kind) not in groups[0] or (pair.b, kind) not in groups[1]:
                continue
            a, b = finished(groups[0][pair.a, kind], "value"), finished(groups[1][pair.b, kind], "value")
            name = names.get(pair.a, pair.a) + labels.BINARIZATIONS[kind]
            found = difference(a, b, same=not pair.unlike, ratio=ratio)
            if found.seeds is not None:  # what stands beside a difference of pairs is of the same pairs
                a, b = a[found.seeds], b[found.seeds]
            cells.append((name, pair, a, b, found))
    adjusted = holm([d.p for *_, d in cells])
    what = "B / A" if ratio else "B - A"
    columns_ = (
        Column("cell", "cell", numeric=False),
        Column("n_a", "seeds, A", "that the row is of"),
        Column("n_b", "seeds, B"),
        Column("a", "A", labels.MEANINGS[metric]),
        Column("b", "B"),
        Column("ratio" if ratio else "difference", what, "[95% interval]" + " of the geometric mean" * ratio),
        Column("p", "p"),
        Column("p_holm", "p (Holm)", "adjusted over the rows"),
        Column("how", "how", numeric=False),
        Column("unlike", "settings that differ, A → B", numeric=False),
    )
    rows: list[tuple[Entry, ...]] = [
        (
            word(name),
            count(len(a)),
            count(len(b)),
            spread(summarize(a, metric)),
            spread(summarize(b, metric)),
            interval(d.mean, d.low, d.high),
            probability(d.p),
            probability(float(p)),
            word(d.how),
            word(pair.unlike),
        )
        for (name, pair, a, b, d), p in zip(cells, adjusted, strict=True)
    ]
    return Table(f"differences-{metric}", labels.COLUMNS[metric], columns_, tuple(rows))


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
    columns_ = (
        Column("member_id", "run", numeric=False),
        Column("cell", "cell", numeric=False),
        Column("seed", "seed"),
        Column("status_a", "A", numeric=False),
        Column("status_b", "B", numeric=False),
        Column("differing", "numbers that differ", f"of {len(equal)} columns"),
        Column("fid_a", "FID, A"),
        Column("fid_b", "FID, B"),
        Column("device", "devices", numeric=False),
    )
    rows = tuple(
        (
            word(i),
            word(names.get(x["cell_id"], "")),
            measure(x["seed"]),
            word(f"{x['status']}, epoch {x['epochs_done']:g}"),
            word(f"{y['status']}, epoch {y['epochs_done']:g}"),
            count(int(unequal.loc[i].sum())),
            measure(x["fid"]),
            measure(y["fid"]),
            word(" / ".join(dict.fromkeys((str(x["device"]), str(y["device"]))))),
        )
        for i, x, y in ((i, a.loc[i], b.loc[i]) for i in differing)
    )
    return Table("members", "Runs whose numbers differ", columns_, rows), said


def only_table(studies: tuple[Study, Study], only_a: Sequence[str], only_b: Sequence[str]) -> Table | None:
    """Cells that one folder alone has."""
    columns_ = (
        Column("cell", "cell", numeric=False),
        Column("in", "in", numeric=False),
        Column("members", "runs"),
        Column("done", "done"),
        Column("fid", "FID", labels.MEANINGS["fid"]),
    )
    rows = []
    for name, study, ids in zip("AB", studies, (only_a, only_b), strict=True):
        names = cell_names(study.members)
        groups = dict(list(study.members.groupby("cell_id", sort=False)))
        for i in ids:
            cell = groups[i]
            done = int((cell["status"] == "done").sum())
            fid = spread(summarize(finished(cell, "fid"), "fid"))
            rows.append((word(names.get(i, i)), word(name), count(len(cell)), count(done), fid))
    return Table("only", "Cells in one alone", columns_, tuple(rows)) if rows else None


def _section(name: str, title: str, table: Table | None) -> list[Section]:
    return [Section(name=name, title=title, short=title, tables=(first(table),))] if table else []


def _size(study: Study) -> str:
    members = study.members
    done = int((members["status"] == "done").sum())
    return f"{len(members):,} runs of {members['cell_id'].nunique():,} cells, {done:,} done"
