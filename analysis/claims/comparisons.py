"""What a claim compares: each comparison gives a p for and a p against."""

import math
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd

from analysis.claims.evidence import Compared, Evidence, Measure, Sample, sample_of
from analysis.statistics.hypotheses import ALPHA, FEWEST, Shift, Typical, scatters


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one comparison."""

    lines: tuple[str, ...]
    """Ratio or difference with its interval, values, p and margins: one line each."""
    p_for: float = math.nan
    """p of the hypothesis that the claim is wrong: a small p speaks for the claim. NaN where there is no test."""
    p_against: float = math.nan
    """p of the hypothesis that the claim is right: a small p speaks against the claim."""
    exact: bool = False
    """Whether it was counted rather than tested; then each p is 0 or 1."""
    missing: tuple[str, ...] = ()
    """Configurations that the study lacks, each with the reason."""
    few: tuple[str, ...] = ()
    """Configurations with too few finished runs for a test."""
    estimates: tuple[str, ...] = ()
    """The ratio or difference with its interval alone."""


class Comparison(Protocol):
    """What every comparison offers."""

    @property
    def cells(self) -> tuple[Compared, ...]:
        """The configurations that it compares."""

    def find(self, evidence: Evidence) -> Finding:
        """Compare them."""


@dataclass(frozen=True, kw_only=True)
class Similar:
    """The measure of two configurations is the same within a factor: two one-sided tests of the ratio of their runs."""

    cells: tuple[Compared, Compared]
    measure: Measure
    factor: float

    def find(self, evidence: Evidence) -> Finding:
        """Test for the ratio being within the factor, and against: for its being outside."""
        samples = _samples(evidence, self.cells, self.measure)
        shift, margin = _shift(samples), math.log(self.factor)
        lower, upper = shift.interval
        band = _band(self.measure, max(-lower, upper), max(lower, -upper, 0.0), "from", "up to")
        ps = shift.p_within(margin), shift.p_beyond(margin)
        return _finding(self.measure, samples, shift, ps, f"within a factor of {self.factor:g}", band)


@dataclass(frozen=True, kw_only=True)
class Exceeds:
    """The measure of the first of two configurations is above that of the second by more than a threshold."""

    cells: tuple[Compared, Compared]
    measure: Measure
    by: float
    """A difference; where the measure is compared as a ratio, a factor."""
    ending: str = ""

    def find(self, evidence: Evidence) -> Finding:
        """Test for a lead of more than the threshold, and against: for a smaller lead, or none."""
        samples = _samples(evidence, self.cells, self.measure, ending=self.ending)
        shift, threshold = _shift(samples), float(self.measure.scale(self.by))
        lower, upper = shift.interval
        ps = shift.p_above(threshold), shift.p_below(threshold)
        asked = f"more than {'×' if self.measure.log else ''}{self.by:g}"
        found = _finding(self.measure, samples, shift, ps, asked, _band(self.measure, lower, upper, "up to", "from"))
        if found.p_against <= ALPHA and shift.p_above(0.0) <= ALPHA:
            found = replace(found, lines=(f"{found.lines[0]}: there is a difference, and it is smaller",))
        return found


@dataclass(frozen=True, kw_only=True)
class Level:
    """The measure of more than half of a configuration's runs is above (or below) a threshold: they are counted."""

    cells: tuple[Compared]
    measure: Measure
    threshold: float
    above: bool
    error_column: str | None = None
    """The column of each run's measurement error: a run nearer to the threshold is on neither side."""

    def find(self, evidence: Evidence) -> Finding:
        """Test for the side that the claim names, and against: for the other side."""
        sample = sample_of(evidence, self.cells[0], self.measure, error_column=self.error_column)
        typical = Typical(sample.compared, sample.errors, sample.lost)
        threshold = float(self.measure.scale(self.threshold))
        ps, (lower, upper) = (typical.p_above(threshold), typical.p_below(threshold)), typical.interval
        band = _band(self.measure, lower, upper, "up to", "from")
        if not self.above:
            ps, band = ps[::-1], _band(self.measure, upper, lower, "from", "up to")
        asked = f"{'above' if self.above else 'below'} {self.threshold:.3g}"
        return _finding(self.measure, (sample,), typical, ps, asked, band)


@dataclass(frozen=True)
class Together:
    """Several signs of one thing: all of them have to speak for the claim, or all against it."""

    parts: tuple[Comparison, ...]

    @property
    def cells(self) -> tuple[Compared, ...]:
        """Those of all parts."""
        return tuple(cell for part in self.parts for cell in part.cells)

    def find(self, evidence: Evidence) -> Finding:
        """The largest p of the parts, for and against (an intersection-union test); NaN where one part has none."""
        findings = [part.find(evidence) for part in self.parts]
        return Finding(
            lines=tuple(line for f in findings for line in f.lines),
            p_for=float(np.max([f.p_for for f in findings])),
            p_against=float(np.max([f.p_against for f in findings])),
            missing=tuple(m for f in findings for m in f.missing),
            few=tuple(s for f in findings for s in f.few),
            estimates=tuple(e for f in findings for e in f.estimates),
        )


@dataclass(frozen=True, kw_only=True)
class Trained:
    """Every run of the configurations learned to make digits. The runs are counted: three seeds are too few to test a
    share.

    A run has learned it where it is done, its samples cover all classes, and their coverage shows that they are digits
    at all. A run that diverged has not. A run that failed, was stopped early or is not done leaves the question open.
    """

    cells: tuple[Compared, ...]
    classes: int
    coverage: float

    def find(self, evidence: Evidence) -> Finding:
        """For: all runs of each, at least three. Against: fewer than half of any, whatever becomes of open ones."""
        lines, missing, few = [], [], []
        all_trained, few_trained = True, False
        for cell in self.cells:
            classes = sample_of(evidence, cell, Measure(name="classes", columns=("classes_covered",)))
            if classes.missing:
                missing.append(f"{classes.name} ({classes.missing})")
                continue
            trained, told = self._count(evidence, cell)
            total = sum(classes.counts.values())
            if told < FEWEST:
                few.append(classes.name)
            all_trained &= trained == total >= FEWEST
            few_trained |= told >= FEWEST and trained + (total - told) < total / 2
            others = [f"{n} {status}" for status, n in classes.counts.items() if n and status != "done"]
            kinds = f" ({', '.join(others)})" if others else ""
            lines.append(f"{trained} of {total} runs of {classes.name} trained to digits{kinds}")
        return Finding(
            lines=tuple(lines),
            p_for=0.0 if all_trained else math.nan,
            p_against=0.0 if few_trained else math.nan,
            exact=True,
            missing=tuple(missing),
            few=tuple(few),
        )

    def _count(self, evidence: Evidence, cell: Compared) -> tuple[int, int]:
        """How many runs learned it; how many tell: those that are done with numbers, or diverged."""
        rows = evidence.rows(cell)
        done = rows[rows["status"] == "done"]
        classes, coverage = (pd.to_numeric(done[c], errors="coerce") for c in ("classes_covered", "coverage"))
        trained = (classes >= self.classes) & (coverage > self.coverage)
        known = int((classes.notna() & coverage.notna()).sum())
        return int(trained.sum()), known + int((rows["status"] == "diverged").sum())


@dataclass(frozen=True, kw_only=True)
class FewerParameters:
    """One architecture has fewer trainable parameters than another, counted from the networks."""

    fewer: str
    more: str
    cells: tuple[Compared, ...] = ()

    def find(self, evidence: Evidence) -> Finding:
        """Count them: one p is 0 and the other 1."""
        a, b = evidence.parameters[self.fewer], evidence.parameters[self.more]
        names = self.fewer.upper(), self.more.upper()
        line = f"parameters: {names[0]} {a:,} against {names[1]} {b:,}"
        return Finding(lines=(line,), p_for=float(a >= b), p_against=float(a < b), exact=True)


def _samples(
    evidence: Evidence, cells: tuple[Compared, Compared], measure: Measure, ending: str = ""
) -> tuple[Sample, Sample]:
    a, b = (sample_of(evidence, cell, measure, ending=ending) for cell in cells)
    return a, b


def _shift(samples: tuple[Sample, Sample]) -> Shift:
    a, b = samples
    return Shift(a.compared, b.compared, (a.lost, b.lost))


def _finding(
    measure: Measure,
    samples: tuple[Sample, ...],
    estimate: Shift | Typical,
    ps: tuple[float, float],
    asked: str,
    band: str,
) -> Finding:
    """The result of a test, in words and numbers; `ps`: for and against."""
    values = " against ".join(s.text for s in samples if not s.missing)
    text = f"{measure.name}: {values}"
    if missing := tuple(f"{s.name} ({s.missing})" for s in samples if s.missing):
        return Finding(lines=(text,) if len(missing) < len(samples) else (), missing=missing)
    if len(frozenset().union(*(s.extractors for s in samples))) > 1:
        reason = "measured by different feature extractors, which do not compare"
        return Finding(lines=(text,), missing=(f"{' and '.join(s.name for s in samples)} ({reason})",))
    if few := tuple(s.name for s in samples if len(s.values) < FEWEST):
        return Finding(lines=(text,), few=few)
    if not any(scatters(s.compared) for s in samples):
        return Finding(lines=(f"{text}; all seeds are the same: no spread to test by",))
    low, high = (measure.unscale(x) for x in estimate.interval)
    kind = ("difference", "ratio")[measure.log] if len(samples) == 2 else "median"
    found = f"{kind} {measure.unscale(estimate.value):.3g} [{low:.3g}, {high:.3g}]"
    text = f"{measure.name}: {found} (90%), {values}; {asked}: {_p_text(*ps)}{band}"
    if any(s.lost for s in samples):
        text += "; runs without a number count against either"
    of = " against ".join(s.name for s in samples)
    return Finding(lines=(text,), p_for=ps[0], p_against=ps[1], estimates=(f"{measure.name}, {of}: {found}",))


def _band(measure: Measure, holding: float, failing: float, to_hold: str, to_fail: str) -> str:
    """At which margins the outcome would be for the claim, and at which against it."""
    words = []
    if math.isfinite(holding):
        words.append(f"for it {to_hold} {measure.unscale(holding):.3g}")
    if math.isfinite(failing) and (failing or not measure.log):
        words.append(f"against it {to_fail} {measure.unscale(failing):.3g}")
    return f" ({', '.join(words)})" if words else ""


def _p_text(p_for: float, p_against: float) -> str:
    if p_for <= ALPHA:
        return f"p {p_for:.2g} for it"
    if p_against <= ALPHA:
        return f"p {p_against:.2g} against it"
    return f"p {p_for:.2g} for it, {p_against:.2g} against it"
