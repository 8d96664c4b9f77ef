"""The table of the paper's claims: what each study that ships says of them."""

import math

from analysis.claims.claims import judge
from analysis.claims.verdicts import Verdict
from binarygan.paper import FIDELITIES
from tools.docs_tables.named import TABLES, Table
from tools.docs_tables.runs import PUBLISHED, published

TESTED = ("supported", "not supported", "inconclusive")


def _tested(verdict: Verdict) -> bool:
    """Whether there are runs enough for a test."""
    return verdict.verdict in TESTED and bool(verdict.estimates)


def _line(study: str, verdict: Verdict) -> list[str]:
    ps = [f"{p:.2g}" if math.isfinite(p) else "" for p in (verdict.p, verdict.p_family)]
    return [
        verdict.fidelity,
        study,
        f"**{verdict.verdict}**" if verdict.verdict == "not supported" else verdict.verdict,
        "<br>".join(verdict.estimates),
        *ps,
    ]


def _claims() -> Table:
    """Each claim by variant and study; studies that have none of its configurations are left out."""
    studies = [path.name for path in sorted(PUBLISHED.iterdir()) if path.is_dir()]
    found = [(name, v) for name in studies for v in judge(published(name).members)]
    rows = []
    for number in dict.fromkeys(v.claim.number for _, v in found):
        own = [(n, v) for n, v in found if v.claim.number == number and _tested(v)]
        lines = [_line(*of) for fidelity in FIDELITIES for of in own if of[1].fidelity == fidelity]
        statement = next(v for _, v in found if v.claim.number == number).claim.statement.format(norm="a norm")
        rows += [[f"{number}. {statement}" if i == 0 else "", *line] for i, line in enumerate(lines)]
    there = {v.fidelity for _, v in found if _tested(v)}
    rows += [
        ["all", f, "", "not tested: no study that ships has three runs of a configuration", "", "", ""]
        for f in FIDELITIES
        if f not in there
    ]
    heads = ("claim", "variant", "study", "verdict", "ratio or difference [90%]", "p", "p, all claims")
    return Table(heads, rows)


TABLES.register("claims", _claims)
