"""From what a claim's comparisons say to a verdict."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from analysis.claims.comparisons import Comparison, Finding
from analysis.claims.evidence import Evidence, Measure, sample_of
from analysis.statistics.differences import holm
from analysis.statistics.hypotheses import ALPHA
from binarygan.paper import Cell, paper_config

Outcome = Literal["supported", "not supported", "inconclusive", "not tested"]
EPOCHS = paper_config(fidelity="as-described", objective="gan", data_digest="-", train_images=64).epochs
IMAGES = {"train": 60_000, "all": 70_000}
"""Of binarized MNIST, by split."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One of the paper's claims and how it is put to the test."""

    number: int
    statement: str
    source: str
    """Where in the paper."""
    parts: tuple[Comparison, ...]
    """All of them have to hold for the claim to be supported; one that is shown not to is enough against it."""
    metric: str
    test: str
    threshold: str
    why: str
    """Why this test and this threshold."""
    shown: tuple[tuple[Cell, Measure], ...] = ()
    """Numbers that stand beside the test and decide nothing."""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """That are compared, each once."""
        return tuple(dict.fromkeys(cell for part in self.parts for cell in part.cells))


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """On one claim, from the runs of one fidelity."""

    claim: Claim
    verdict: Outcome
    lines: tuple[str, ...]
    """What is missing, what cannot be said, then each comparison with values, n, interval and p."""
    fidelity: str = ""
    """Of the runs judged by; empty where there are none."""
    missing: tuple[str, ...] = ()
    """Cells that are not there, each with why."""

    @property
    def numbers(self) -> str:
        """All in one line."""
        return "; ".join(self.lines)


def verdict_on(claim: Claim, evidence: Evidence, fidelity: str) -> Verdict:
    """Put one claim to the test.

    - not supported: a part is shown not to hold (p against, Holm-adjusted over the claim's parts, below 0.05);
      that stands whatever else is missing.
    - not tested: cells are missing, and what is there does not decide against the claim.
    - supported: every part is shown to hold, each at 0.05 (an intersection-union test needs no adjustment).
    - inconclusive: neither is shown: one seed, too few, too short a training, or runs that diverged.
    """
    findings = [part.find(evidence) for part in claim.parts]
    missing = tuple(dict.fromkeys(m for f in findings for m in f.missing))
    single = tuple(dict.fromkeys(s for f in findings for s in f.single))
    outcome = _outcome(findings, missing)
    lines = [f"missing: {' / '.join(missing)}"] if missing else []
    if single:
        lines.append(f"whether other seeds would agree cannot be said: fewer than two finished of {' / '.join(single)}")
    holding = sum(f.p_for < ALPHA for f in findings)
    if outcome == "not supported" and holding:
        lines.append(f"it holds in part: {holding} of {len(findings)} comparisons are for it")
    if outcome in ("supported", "not supported") and (short := _too_short(claim, evidence)):
        lines.append(f"too short for a verdict ({short}); at this length it would be: {outcome}")
        outcome = "inconclusive"
    elif outcome == "inconclusive" and all(math.isfinite(f.p_for) for f in findings):
        lines.append(
            "neither shown nor refuted (p against it adjusted for the number of parts): more seeds could decide"
        )
    lines += [line for f in findings for line in f.lines]
    for cell, measure in claim.shown:
        if not (sample := sample_of(evidence, cell, measure)).missing:
            lines.append(f"{measure.name}: {sample.text}")
    return Verdict(claim=claim, verdict=outcome, lines=tuple(lines), fidelity=fidelity, missing=missing)


def _outcome(findings: Sequence[Finding], missing: tuple[str, ...]) -> Outcome:
    tested = [f.p_against for f in findings if not f.exact]
    if any(p < ALPHA for p in tested):  # what is not below it does not fall there by adjustment
        tested = holm(tested).tolist()
    counted = [f.p_against for f in findings if f.exact]
    if any(p < ALPHA for p in (*tested, *counted)):
        return "not supported"
    if missing:
        return "not tested"
    return "supported" if all(f.p_for < ALPHA for f in findings) else "inconclusive"


def _too_short(claim: Claim, evidence: Evidence) -> str:
    """How much less than the paper's the compared runs were trained; empty where they were trained in full."""
    if not claim.cells:
        return ""
    rows = pd.concat([evidence.rows(cell) for cell in claim.cells], ignore_index=True)
    rows = rows[rows["status"].isin(("done", "diverged"))]
    epochs, images = rows["epochs"], rows["train_images"]
    full = rows["split"].map(IMAGES)
    texts = [f"{int(epochs.min())} of {EPOCHS} epochs"] if (epochs < EPOCHS).any() else []
    if (images < full).any():
        worst = int((images / full).argmin())
        texts.append(f"{images.iloc[worst]:,.0f} of {full.iloc[worst]:,.0f} images")
    return ", ".join(texts)
