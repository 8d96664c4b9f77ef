"""Claims of the user's own, from the study file that the study keeps, judged by the tests of the paper's claims."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis import labels
from analysis.claims.comparisons import Comparison, Exceeds, Level, Similar
from analysis.claims.evidence import Evidence, Measure
from analysis.claims.verdicts import Claim, Verdict, adjusted, verdict_on
from analysis.results.cells import TELLING, fields_apart
from analysis.results.fields import NO_CHOICE, having, with_parameters
from analysis.results.study import Study
from binarygan.metrics.names import BERNOULLI, METRICS
from study.store.study_file import NAME, PAIRS, StudyClaim

TESTS = {
    "lower": "of two runs, one of each, the second is above by more than the factor more often than not, one-sided",
    "higher": "of two runs, one of each, the first is above by more than the factor more often than not, one-sided",
    "similar": "two one-sided tests that runs are within the factor; against: that they are beyond it",
    "above": "count of runs on either side of the level (sign test, one-sided)",
    "below": "count of runs on either side of the level (sign test, one-sided)",
}


@dataclass(frozen=True)
class Chosen:
    """The runs of the one configuration that has these values of its fields."""

    fields: tuple[tuple[str, Any], ...]
    neuron: str = ""
    """Of the runs; empty where they differ in it."""

    @property
    def name(self) -> str:
        """`slope rate 1.2, learning rate 0.0001`."""
        words = [f"{labels.field(name)} {labels.choice(name, value) or value}" for name, value in self.fields]
        return ", ".join(words) or "the study's configuration"

    def rows(self, members: pd.DataFrame) -> pd.DataFrame:
        """Its runs by seed; none where several configurations, or none, have the values."""
        found = having(members, dict(self.fields))
        if found["cell_id"].nunique() != 1:
            return found.iloc[:0]
        return found.sort_values("seed", kind="stable").reset_index(drop=True)

    def lacking(self, members: pd.DataFrame) -> str:
        """Why there are none."""
        found = having(members, dict(self.fields)).drop_duplicates("cell_id")
        if found.empty:
            return "no run has these values"
        found = with_parameters(found)
        own = [name for name in map(str, found) if "." in name]
        told = [f for f in (*TELLING, *own) if f not in NO_CHOICE and found[f].nunique(dropna=False) > 1]
        apart = ", ".join(labels.field(f) for f in fields_apart(found, told))
        return f"{len(found)} configurations have these values: name {apart}, too"


def own_verdicts(study: Study) -> list[Verdict]:
    """A verdict on each claim of the study's file, in each variant among its runs; none where there is no file."""
    claims = study.file.claims if study.file else ()
    found: list[Verdict] = []
    for fidelity in sorted(study.members["fidelity"].dropna().unique()) if claims else ():
        members = study.members[study.members["fidelity"] == fidelity]
        evidence = Evidence(members, {})
        found += adjusted([_verdict(i + 1, c, evidence, str(fidelity)) for i, c in enumerate(claims)])
    return found


def _verdict(number: int, said: StudyClaim, evidence: Evidence, fidelity: str) -> Verdict:
    claim = _claim(number, said, evidence.members)
    if said.metric in evidence.members:
        return verdict_on(claim, evidence, fidelity)
    line = f"the runs have no number {said.metric} here: give the --plugin that defines it"
    return Verdict(claim=claim, verdict="not tested", lines=(line,), fidelity=fidelity)


def _claim(number: int, said: StudyClaim, members: pd.DataFrame) -> Claim:
    base = said.metric.removesuffix(BERNOULLI)
    label = labels.COLUMNS.get(base, base) + " by Bernoulli" * (base != said.metric)
    quality = base in METRICS and METRICS[base].better == "lower"
    measure = Measure(name=label, columns=(said.metric,), log=said.relation in PAIRS, quality=quality)
    runs, than = (_chosen(fields, members) for fields in (said.runs, said.than))
    if said.relation in PAIRS:
        threshold = f"{'within a factor of' if said.relation == 'similar' else 'by more than a factor of'} {said.by:g}"
    else:
        threshold = f"{said.relation} {said.by:g}"
    return Claim(
        number=str(number),
        statement=said.says.replace("{", "{{").replace("}", "}}"),
        source=NAME,
        parts=(_comparison(said, measure, runs, than),),
        metric=label,
        test=TESTS[said.relation],
        threshold=threshold,
        why="The study's own file says so.",
        any_length=True,
    )


def _comparison(said: StudyClaim, measure: Measure, runs: Chosen, than: Chosen) -> Comparison:
    if said.relation == "similar":
        return Similar(cells=(runs, than), measure=measure, factor=said.by)
    if said.relation in PAIRS:
        pair = (than, runs) if said.relation == "lower" else (runs, than)
        return Exceeds(cells=pair, measure=measure, by=said.by)
    return Level(cells=(runs,), measure=measure, threshold=said.by, above=said.relation == "above")


def _chosen(fields: dict[str, Any], members: pd.DataFrame) -> Chosen:
    neurons = having(members, fields)["neuron"].unique()
    return Chosen(tuple(fields.items()), str(neurons[0]) if len(neurons) == 1 else "")
