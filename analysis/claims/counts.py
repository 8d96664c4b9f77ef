"""What a claim counts rather than tests: members that trained, and trainable numbers."""

import math
from dataclasses import dataclass

import pandas as pd

from analysis.claims.comparisons import Finding
from analysis.claims.evidence import Evidence, Measure, sample_of
from analysis.results.cells import Cell


@dataclass(frozen=True, kw_only=True)
class Trained:
    """Every member of the cells was trained to digits: counted, for three seeds prove no share by test.

    Trained is a member that is done, whose samples cover all classes, and lie near enough to real digits, by coverage,
    to be digits at all. One that diverged is not; one that failed or was stopped early leaves the matter open.
    """

    cells: tuple[Cell, ...]
    classes: int
    coverage: float

    def find(self, evidence: Evidence) -> Finding:
        """For: all members of each cell, two at least. Against: fewer than half of those that tell, in some cell."""
        lines, missing = [], []
        details: dict[str, float] = {}
        all_trained, few_trained = True, False
        for cell in self.cells:
            classes = sample_of(evidence, cell, Measure(name="classes", columns=("classes_covered",)))
            if classes.missing:
                missing.append(f"{classes.name} ({classes.missing})")
                continue
            trained, ended, open_ = self._count(evidence, cell)
            all_trained &= trained == ended + open_ and ended > 1
            few_trained |= ended > 1 and trained < ended / 2
            others = [f"{n} {status}" for status, n in classes.counts.items() if n and status != "done"]
            kinds = f" ({', '.join(others)})" if others else ""
            lines.append(f"{trained} of {ended + open_} members of {classes.name} trained to digits{kinds}")
            details |= {f"{classes.name}: trained": float(trained), f"{classes.name}: ended": float(ended + open_)}
        return Finding(
            lines=tuple(lines),
            p_for=0.0 if all_trained else math.nan,
            p_against=0.0 if few_trained else math.nan,
            exact=True,
            missing=tuple(missing),
            details=details,
        )

    def _count(self, evidence: Evidence, cell: Cell) -> tuple[int, int, int]:
        """Members that trained; that tell (done with numbers, diverged); that ended and do not tell."""
        rows = evidence.rows(cell)
        done, diverged = (rows[rows["status"] == s] for s in ("done", "diverged"))
        cut_off = rows["status"].isin(("failed", "stopped"))
        classes, coverage = (pd.to_numeric(done[c], errors="coerce") for c in ("classes_covered", "coverage"))
        trained = (classes >= self.classes) & (coverage > self.coverage)
        unknown = classes.isna() | coverage.isna()
        return int(trained.sum()), int((~unknown).sum()) + len(diverged), int(unknown.sum()) + int(cut_off.sum())


@dataclass(frozen=True, kw_only=True)
class FewerParameters:
    """One architecture has fewer trainable numbers than another: counted from the networks."""

    fewer: str
    more: str
    cells: tuple[Cell, ...] = ()

    def find(self, evidence: Evidence) -> Finding:
        """For or against, never in between."""
        a, b = evidence.parameters[self.fewer], evidence.parameters[self.more]
        names = self.fewer.upper(), self.more.upper()
        return Finding(
            lines=(f"parameters: {names[0]} {a:,} against {names[1]} {b:,}",),
            p_for=float(a >= b),
            p_against=float(a < b),
            exact=True,
            details={f"{names[0]}: parameters": float(a), f"{names[1]}: parameters": float(b)},
        )
