"""From what a claim's comparisons say to a verdict."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from analysis.claims.comparisons import Comparison, Finding
from analysis.claims.evidence import Compared, Evidence, Measure, sample_of
from analysis.statistics.differences import holm
from analysis.statistics.hypotheses import ALPHA, FEWEST
from binarygan.paper import Cell, paper_config

Outcome = Literal["supported", "not supported", "inconclusive", "not tested"]
EPOCHS = paper_config(fidelity="as-described", objective="gan", data_digest="-", train_images=64).epochs
NORMS = {"as-described": "batch normalization", "as-released": "the released code's affine map"}
IMAGES = {"train": 60_000, "all": 70_000}
"""Of binarized MNIST, by split."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One of the paper's claims and how it is put to the test."""

    number: str
    statement: str
    """`{norm}` stands for what normalizes D in the variant that is judged."""
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
    any_length: bool = False
    """Whether it is also about training that is shorter than the paper's."""

    @property
    def cells(self) -> tuple[Compared, ...]:
        """That are compared, each once."""
        return tuple(dict.fromkeys(cell for part in self.parts for cell in part.cells))


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """On one claim, from the runs of one fidelity."""

    claim: Claim
    verdict: Outcome
    lines: tuple[str, ...]
    """What is missing, what cannot be said, then each comparison with ratio, interval, values, n, p and margins."""
    p: float = math.nan
    """Of the verdict, supported or not supported; NaN where there is none, or it was counted."""
    p_family: float = math.nan
    """The same, adjusted for all claims that are judged by the same runs (Holm 1979)."""
    fidelity: str = ""
    """Of the runs judged by; empty where there are none."""
    missing: tuple[str, ...] = ()
    """Cells that are not there, each with why."""
    estimates: tuple[str, ...] = ()
    """Each comparison's ratio or difference with its interval alone."""

    @property
    def statement(self) -> str:
        """The claim in words, with the norm that the variant has."""
        return self.claim.statement.format(norm=NORMS.get(self.fidelity, NORMS["as-described"]))

    @property
    def strength(self) -> str:
        """`; p 0.001, for all claims together 0.01` where the verdict was tested, else empty."""
        return "" if math.isnan(self.p) else f"; p {self.p:.2g}, for all claims together {self.p_family:.2g}"

    @property
    def numbers(self) -> str:
        """All in one line."""
        return "; ".join(self.lines)


def verdict_on(claim: Claim, evidence: Evidence, fidelity: str) -> Verdict:
    """Put one claim to the test.

    - not supported: a part is shown not to hold (p against, adjusted over the claim's parts by Hochberg's step-up, at
      most 0.05); that stands whatever else is missing.
    - not tested: cells are missing, and what is there does not decide against the claim.
    - supported: every part is shown to hold, each at 0.05 (an intersection-union test needs no adjustment).
    - inconclusive: neither is shown: fewer than three runs a side, too few for the test, too short a training, or runs
      that were lost and could have reversed it.
    """
    findings = [part.find(evidence) for part in claim.parts]
    missing = tuple(dict.fromkeys(m for f in findings for m in f.missing))
    few = tuple(dict.fromkeys(s for f in findings for s in f.few))
    outcome, p = _outcome(findings, missing)
    lines = [f"missing: {' / '.join(missing)}"] if missing else []
    if few:
        lines.append(f"no test of fewer than {FEWEST} runs a side: {' / '.join(few)}")
    holding = sum(f.p_for <= ALPHA for f in findings)
    if outcome == "not supported" and holding:
        lines.append(f"it holds in part: {holding} of {len(findings)} comparisons are for it")
    if outcome in ("supported", "not supported") and (short := _too_short(claim, evidence)):
        lines.append(f"too short for a verdict ({short}); at this length it would be: {outcome}")
        outcome, p = "inconclusive", math.nan
    elif outcome == "inconclusive" and all(math.isfinite(f.p_for) for f in findings):
        lines.append(
            "neither shown nor refuted (p against it adjusted for the number of parts): more seeds could decide"
        )
    lines += [line for f in findings for line in f.lines]
    for cell, measure in claim.shown:
        if not (sample := sample_of(evidence, cell, measure)).missing:
            lines.append(f"{measure.name}: {sample.text}")
    lines += [line for cell in claim.cells for line in evidence.left_out(cell)]
    return Verdict(
        claim=claim,
        verdict=outcome,
        lines=tuple(lines),
        p=p,
        fidelity=fidelity,
        missing=missing,
        estimates=tuple(e for f in findings for e in f.estimates),
    )


def adjusted(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts with p adjusted for their number."""
    family = holm([v.p for v in verdicts])
    return [replace(v, p_family=float(p)) for v, p in zip(verdicts, family, strict=True)]


def _outcome(findings: Sequence[Finding], missing: tuple[str, ...]) -> tuple[Outcome, float]:
    """The verdict, and its p where it was tested."""
    against = [f.p_against for f in findings if not f.exact]
    if any(p <= ALPHA for p in against):  # what is not so does not come to be by adjustment
        against = holm(against, step_up=True).tolist()
    tested = [p for p in against if p <= ALPHA]
    if tested or any(f.exact and f.p_against <= ALPHA for f in findings):
        return "not supported", min(tested, default=math.nan)
    if missing:
        return "not tested", math.nan
    if not all(f.p_for <= ALPHA for f in findings):
        return "inconclusive", math.nan
    return "supported", max((f.p_for for f in findings if not f.exact), default=math.nan)


def _too_short(claim: Claim, evidence: Evidence) -> str:
    """How much less than the paper's the compared runs were trained; empty where they were trained in full."""
    if not claim.cells or claim.any_length:
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
