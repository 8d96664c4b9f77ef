"""Two results folders side by side."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis import labels
from analysis.report.page import Section, render
from analysis.report.report import prepare
from analysis.results.cells import with_norm
from analysis.results.load import load_study
from analysis.results.study import Study
from analysis.statistics.differences import Difference, holm, is_ratio, paired
from analysis.statistics.hypotheses import scatters
from analysis.statistics.summaries import by_binarization, finished, summarize
from analysis.tables import formats
from analysis.tables.entries import Entry, Table, column, count, first, interval, measure, probability, spread, tabled
from binarygan.config import MemberConfig
from binarygan.io.files import in_utf8, write_whole
from binarygan.metrics.names import columns

PAGE = "compare.html"
METRICS = ("fid", "precision", "recall", "coverage", "classes_covered", "isolated_pixel_rate")
OF_PIXELS = ("isolated_pixel_rate",)
"""Those that no extractor has a part in."""
UNLIKE = (
    "the runs were measured by different feature extractors: FID, precision, recall, coverage and classes of A and B "
    "do not compare, and are left out"
)
ONLY = "Cells in one alone"
TABLES = (*(f"differences-{m}" for m in METRICS), "members", "only")
FIELDS = ("fidelity", *(f.name for f in dataclasses.fields(MemberConfig) if f.name != "seed"))
LIKE = ["objective", "architecture", "neuron", "with_norm"]


@dataclass(frozen=True)
class Pair:
    """A configuration of A and one of B that are compared."""

    a: str
    b: str
    """Their cell_ids."""
    unlike: str
    """The settings in which they differ, with A's value and B's; empty where they are the same configuration."""


def write_comparison(a: Path, b: Path, out: Path) -> list[str]:
    """Write tables/ and compare.html; what a reader has to be told.

    Raises:
        UserError: one of the folders holds no study, or `out` lies within one or cannot be written.
    """
    studies = load_study(a), load_study(b)
    prepare(out, a, b)
    pairs, only_a, only_b = match(studies[0].members, studies[1].members)
    extractors = [set(s.members["extractors"].dropna()) for s in studies]
    unlike = len(extractors[0] | extractors[1]) > 1
    metrics = OF_PIXELS if unlike else METRICS
    differences = [differences_table(studies, pairs, metric) for metric in metrics] if pairs else []
    equality, said = members_table(studies)
    only = only_table(studies, only_a, only_b)
    formats.write([t for t in (*differences, equality, only) if t], out / "tables", TABLES)
    problems = [f"{s}: {line}" for s, study in zip("AB", studies, strict=True) for line in study.problems]
    problems += [UNLIKE] if unlike else []
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
    html = render(title=title, lead=lead, sections=sections, foot="Made by python -m analysis compare.")
    write_whole(out / PAGE, in_utf8(html))
    return [*problems, f"cells: {facts[2][1]}", f"the same runs: {said}"]


def differences_table(studies: tuple[Study, Study], pairs: Sequence[Pair], metric: str) -> Table:
    """Each pair of cells in one metric."""
    outputs, ratio = [by_binarization(s.members, metric) for s in studies], is_ratio(metric)
    groups = [dict(list(o.groupby(["cell_id", "binarization"], sort=False))) for o in outputs]
    names = studies[0].names
    order = {cell_id: i for i, cell_id in enumerate(names)}
    rows: list[dict[str, Any]] = []
    for pair in sorted(pairs, key=lambda pair: order.get(pair.a, len(order))):
        for kind in labels.BINARIZATIONS:
            if (pair.a, kind) not in groups[0] or (pair.b, kind) not in groups[1]:
                continue
            a, b = finished(groups[0][pair.a, kind], "value"), finished(groups[1][pair.b, kind], "value")
            if not pair.unlike and len(common := a.index.intersection(b.index)) > 1:
                a, b = a[common], b[common]  # what stands beside a difference of pairs is of the same pairs
            found = difference(a, b, same=not pair.unlike, ratio=ratio)
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
        column("how", "how", of=lambda row: row["found"].note),
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
    names = studies[0].names
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
        column("device", "devices", of=lambda row: " / ".join(dict.fromkeys(str(row[f"device_{s}"]) for s in "ab"))),
    )
    return tabled("members", "Runs whose numbers differ", columns_, rows), said


def only_table(studies: tuple[Study, Study], only_a: Sequence[str], only_b: Sequence[str]) -> Table | None:
    """Cells that one folder alone has."""
    rows = []
    for name, study, ids in zip("AB", studies, (only_a, only_b), strict=True):
        names = study.names
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


def match(a: pd.DataFrame, b: pd.DataFrame) -> tuple[list[Pair], list[str], list[str]]:
    """The pairs of configurations to compare, then the cell_ids that A alone has, and those that B alone has.

    A configuration that both have is paired with itself. Of the others, one of A is paired with one of B where they
    share objective, network, neuron and whether D has a norm, and no other configuration of either shares these.
    """
    firsts = [_cells(frame) for frame in (a, b)]
    ids = [list(f.index) for f in firsts]
    pairs = [Pair(i, i, "") for i in ids[0] if i in set(ids[1])]
    common = {p.a for p in pairs}
    rest = [f[~f.index.isin(common)] for f in firsts]
    unique = [f.drop_duplicates(LIKE, keep=False).reset_index()[["cell_id", *LIKE]] for f in rest]
    alike = unique[0].merge(unique[1], on=LIKE)[["cell_id_x", "cell_id_y"]].to_numpy()
    pairs += [Pair(i, j, _unlike(firsts[0].loc[i], firsts[1].loc[j])) for i, j in alike]
    matched = {p.a for p in pairs}, {p.b for p in pairs}
    only_a, only_b = ([i for i in own if i not in known] for own, known in zip(ids, matched, strict=True))
    return pairs, only_a, only_b


def difference(a: pd.Series, b: pd.Series, *, same: bool, ratio: bool = False) -> Difference:
    """How a metric differs, given its values by seed: b minus a, or b over a where `ratio`; its note says by what test.

    Where the configuration is the `same` and two seeds or more are in both, the seeds are paired. Otherwise the
    interval and p are those of Welch's t test, on the logarithms where `ratio`.
    """
    if same and len(a.index.intersection(b.index)) > 1:
        found = paired(b, a, ratio=ratio)
        return replace(found, note=f"paired, {found.n} seeds" + f": {found.note}" * math.isnan(found.p))
    x, y = (v[v > 0] if ratio else v for v in (a, b))
    scale, back = (np.log, math.exp) if ratio else (np.asarray, float)
    after, before = (scale(v.to_numpy(float)) for v in (y, x))
    n = min(len(before), len(after))
    if not n:
        return Difference(0, note="no finished seed in one of them")
    found = Difference(n, back(float(after.mean() - before.mean())))
    if n == 1:
        return replace(found, note="one seed: no interval, no test")
    if not (scatters(before) or scatters(after)):
        return replace(found, note="no spread: no interval, no test")
    test = stats.ttest_ind(after, before, equal_var=False)
    low, high = map(back, test.confidence_interval(0.95))
    return replace(found, low=low, high=high, p=float(test.pvalue), note="Welch")


def _cells(members: pd.DataFrame) -> pd.DataFrame:
    """One row for each configuration, by cell_id."""
    cells = members[members["cell_id"].notna()].drop_duplicates("cell_id").set_index("cell_id")
    return cells.assign(with_norm=with_norm(cells))


def _unlike(a: pd.Series, b: pd.Series) -> str:
    """The fields in which two configurations differ, with both values."""
    differing = [f for f in FIELDS if f in a.index and not (a[f] == b[f] or (pd.isna(a[f]) and pd.isna(b[f])))]
    return "; ".join(f"{labels.setting(f, a[f])} → {labels.value(b[f])}" for f in differing)
