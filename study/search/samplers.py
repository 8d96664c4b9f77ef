"""Optuna's samplers, by the names of `--sampler`."""

import hashlib
import importlib.util
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import optuna
from optuna.samplers import BaseSampler, CmaEsSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from binarygan.errors import UserError

if TYPE_CHECKING:
    from optuna._transform import _SearchSpaceTransform


class ReplayedCmaEsSampler(CmaEsSampler):
    """CMA-ES whose state is computed from the trials each time, at some milliseconds a generation.

    Optuna's own keeps its state as a pickle among a trial's attributes. Whoever hands on a study's folder, or writes to
    its database, could put code there.
    """

    _completed: list[FrozenTrial]

    def _restore_optimizer(self, completed_trials: list[FrozenTrial]) -> None:
        self._completed = completed_trials

    def _split_optimizer_str(self, optimizer_str: str) -> dict[str, str]:
        """What is stored of the optimizer: nothing."""
        return {}

    def _init_optimizer(self, trans: "_SearchSpaceTransform", direction: StudyDirection) -> Any:
        """The optimizer after all whole generations among the completed trials."""
        optimizer = super()._init_optimizer(trans, direction)
        sign = 1 if direction == StudyDirection.MINIMIZE else -1
        while (
            len(found := self._get_solution_trials(self._completed, optimizer.generation)) >= optimizer.population_size
        ):
            told = found[: optimizer.population_size]
            optimizer.tell([(trans.transform(t.params), sign * t.value) for t in told if t.value is not None])
        return optimizer


MAKE: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "nsga2": lambda seed: optuna.samplers.NSGAIISampler(seed=seed),
    "gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
    "cmaes": lambda seed: ReplayedCmaEsSampler(seed=seed),
}


def make_sampler(name: str, seed: int, trials_before: int) -> BaseSampler:
    """The sampler of that name.

    A search that goes on makes a new sampler. So that it does not draw its first trials again, the number of trials
    before it is mixed into the seed.

    Raises:
        UserError: a package that the sampler needs is not installed.
    """
    if name == "cmaes" and importlib.util.find_spec("cmaes") is None:
        raise UserError("--sampler cmaes needs the package cmaes: pip install cmaes")
    mixed = hashlib.sha256(f"{seed} {trials_before}".encode()).digest()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return MAKE[name](int.from_bytes(mixed[:4], "big"))
