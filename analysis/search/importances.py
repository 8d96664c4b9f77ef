"""Which parameters of a search move its metrics: Optuna's evaluators on the complete trials."""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from analysis.search.search import Metric, Parameter
from analysis.search.trials import Trial, Trials
from analysis.statistics.summaries import Unavailable

if TYPE_CHECKING:
    import optuna

MINIMUM = 10
"""Trials below which nothing is said: a forest of so few has learned them by heart."""
TREES, DEPTH = 32, 8
"""Of fANOVA's forest: a thousand trials take seconds. Optuna's own 64 and 64 take minutes and say the same."""
BEST_SHARE, FEWEST_BEST = 0.1, 5
"""PED-ANOVA looks at the best tenth, and at no fewer than Optuna's documentation asks for."""
LOG_SPAN = 3
"""Values above 0 whose extremes have a larger ratio are explained as logarithms, as figures show them."""


@dataclass(frozen=True)
class Importance:
    """What one parameter decides."""

    parameter: Parameter
    trials: int
    """Complete ones that have it: these alone are looked at."""
    fanova: float
    """Share of the variance that it alone explains; NaN where there are too few trials."""
    ped_anova: float
    """Its part of what sets the best trials apart; the parts of the parameters of the same trials sum to 1."""


@dataclass(frozen=True)
class Importances:
    """Of all parameters for one metric, the most important by fANOVA first."""

    metric: Metric
    rows: tuple[Importance, ...]
    trials: int
    log: bool
    """Whether logarithms of values were explained."""


@lru_cache(maxsize=16)
def importances(trials: Trials, metric: int) -> Importances | Unavailable:
    """Each parameter's importance for a metric, among the complete trials that have the parameter.

    fANOVA (Hutter et al. 2014) is uniform over each parameter's own scale, a logarithmic one where it was declared so.
    Trials of which a parameter is in no use are none that can say what it does: such a parameter is evaluated among
    those that have it, beside all parameters that all of these have.
    """
    complete = trials.complete
    if len(complete) < MINIMUM:
        return Unavailable(
            f"{len(complete)} complete trial{'s' * (len(complete) != 1)}: too few to say which parameters matter; "
            f"it takes {MINIMUM} at least"
        )
    sign = trials.search.metrics[metric].sign
    values = [t.value(metric) for t in complete]
    if min(values) == max(values):
        return Unavailable("all complete trials have the same value: there is nothing to explain")
    log = min(values) > 0 and max(values) / min(values) >= LOG_SPAN
    targets = {t.number: sign * (math.log(v) if log else v) for t, v in zip(complete, values, strict=True)}
    groups: dict[tuple[int, ...], list[Parameter]] = {}
    for parameter in trials.varied:
        groups.setdefault(tuple(t.number for t in complete if parameter.name in t.params), []).append(parameter)
    by_number = {t.number: t for t in complete}
    rows: list[Importance] = []
    for numbers, own in groups.items():
        rows += _evaluated([by_number[n] for n in numbers], own, trials.varied, targets)
    rows.sort(key=lambda r: (-r.fanova if r.fanova == r.fanova else 1.0, r.parameter.name))
    return Importances(trials.search.metrics[metric], tuple(rows), len(complete), log)


def _evaluated(
    having: Sequence[Trial], own: Sequence[Parameter], parameters: Sequence[Parameter], targets: dict[int, float]
) -> list[Importance]:
    """The importances of `own` among the trials that have them; NaN where these are too few or all alike."""
    nothing = [Importance(p, len(having), math.nan, math.nan) for p in own]
    if len(having) < MINIMUM or len({targets[t.number] for t in having}) == 1:
        return nothing
    common = [p for p in parameters if all(p.name in t.params for t in having)]
    from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator, get_param_importances

    share = max(BEST_SHARE, FEWEST_BEST / len(having))
    with _quiet():
        study = _study(having, common, targets)
        names = [p.name for p in common]
        fanova = FanovaImportanceEvaluator(n_trees=TREES, max_depth=DEPTH, seed=0)
        explained = get_param_importances(study, evaluator=fanova, params=names, normalize=False)
        ped = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator(target_quantile=share), params=names)
    return [Importance(p, len(having), float(explained[p.name]), float(ped[p.name])) for p in own]


def _study(having: Sequence[Trial], parameters: Sequence[Parameter], targets: dict[int, float]) -> "optuna.study.Study":
    """The trials as a study in memory, to be minimized."""
    import optuna

    distributions = {p.name: _distribution(p) for p in parameters}
    study = optuna.create_study(direction="minimize")
    study.add_trials(
        [
            optuna.trial.create_trial(
                params={p.name: _on_scale(p, t.params[p.name]) for p in parameters},
                distributions=distributions,
                value=targets[t.number],
            )
            for t in having
        ]
    )
    return study


def _distribution(parameter: Parameter) -> Any:
    """The parameter on its own scale: fANOVA integrates over a range as it stands, not over its logarithm."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if parameter.categorical:
        return CategoricalDistribution(parameter.choices)
    if parameter.log or parameter.kind == "FloatDistribution":
        return FloatDistribution(_on_scale(parameter, parameter.low), _on_scale(parameter, parameter.high))
    return IntDistribution(int(parameter.low), int(parameter.high))


def _on_scale(parameter: Parameter, value: Any) -> Any:
    return math.log(value) if parameter.log else value


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's lines about studies in memory and about options that are new."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(before)
