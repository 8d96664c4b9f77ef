"""Which parameters of a search move its metrics: Optuna's evaluators on the complete trials."""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from analysis.search.search import Metric, Parameter
from analysis.search.trials import Trial, Trials
from analysis.statistics.summaries import Unavailable

MINIMUM = 10
"""Complete trials that it takes: a forest that is fitted to fewer reproduces each of them."""
TREES, DEPTH = 32, 8
"""Trees of fANOVA's forest, and their depth: a thousand trials take seconds. Optuna's 64 and 64 take minutes and give
the same order of parameters."""
BEST_SHARE, FEWEST_BEST = 0.1, 5
"""PED-ANOVA compares the best tenth of the trials with all, and at least as many as Optuna's documentation asks for."""
LOG_SPAN = 3
"""Positive values that span a larger ratio are evaluated by their logarithms, as figures show them."""


@dataclass(frozen=True)
class Importance:
    """How much one parameter matters."""

    parameter: Parameter
    trials: int
    """How many complete trials have it."""
    fanova: float
    """The share of the variance that it explains by itself; NaN where there are too few trials."""
    ped_anova: float
    """Its part of what distinguishes the best trials; the parts of all parameters of the same trials sum to 1."""


@dataclass(frozen=True)
class Importances:
    """How much each parameter matters for one metric, the most important by fANOVA first."""

    metric: Metric
    rows: tuple[Importance, ...]
    trials: int
    log: bool
    """Whether the evaluators were given logarithms of the values."""


@lru_cache(maxsize=16)
def importances(trials: Trials, metric: int) -> Importances | Unavailable:
    """How much each parameter matters for a metric, over the complete trials that have the parameter.

    fANOVA (Hutter et al. 2014) weighs each parameter's range evenly on the scale that the search declared for it.
    Some parameters apply to some trials only (a clip value to WGAN's). Such a parameter is evaluated over the trials
    that have it, together with every parameter that all of those trials have.
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
    targets = {t: sign * (math.log(v) if log else v) for t, v in zip(complete, values, strict=True)}
    groups: dict[tuple[Trial, ...], list[Parameter]] = {}
    for parameter in trials.varied:
        groups.setdefault(tuple(t for t in complete if parameter.name in t.params), []).append(parameter)
    rows = [row for having, own in groups.items() for row in _evaluated(having, own, trials.varied, targets)]
    rows.sort(key=lambda r: (-r.fanova if r.fanova == r.fanova else 1.0, r.parameter.name))
    return Importances(trials.search.metrics[metric], tuple(rows), len(complete), log)


def _evaluated(
    having: Sequence[Trial], own: Sequence[Parameter], parameters: Sequence[Parameter], targets: dict[Trial, float]
) -> list[Importance]:
    """How much the parameters `own` matter over the trials that have them; NaN where these are too few or equal."""
    nothing = [Importance(p, len(having), math.nan, math.nan) for p in own]
    if len(having) < MINIMUM or len({targets[t] for t in having}) == 1:
        return nothing
    common = [p for p in parameters if all(p.name in t.params for t in having)]
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator, get_param_importances

    distributions = {p.name: _distribution(p) for p in common}
    share = max(BEST_SHARE, FEWEST_BEST / len(having))
    with _quiet():
        study = optuna.create_study(direction="minimize")
        for t in having:
            drawn = {p.name: _on_scale(p, t.params[p.name]) for p in common}
            study.add_trial(optuna.trial.create_trial(params=drawn, distributions=distributions, value=targets[t]))
        names = [p.name for p in common]
        fanova = FanovaImportanceEvaluator(n_trees=TREES, max_depth=DEPTH, seed=0)
        explained = get_param_importances(study, evaluator=fanova, params=names, normalize=False)
        ped = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator(target_quantile=share), params=names)
    return [Importance(p, len(having), float(explained[p.name]), float(ped[p.name])) for p in own]


def _distribution(parameter: Parameter) -> Any:
    """The parameter's range as fANOVA has to get it: it integrates evenly over a range, so a logarithmic one is passed
    as the range of the logarithm."""
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
    """Silence Optuna's messages about studies in memory and experimental options."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(before)
