"""Optuna's samplers by the command line's names."""

import hashlib
import importlib
import warnings
from collections.abc import Callable

import optuna
from optuna.samplers import BaseSampler

from binarygan.errors import UserError
from study.search.replayed_cmaes import ReplayedCmaEsSampler

MAKE: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "nsga2": lambda seed: optuna.samplers.NSGAIISampler(seed=seed),
    "gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
    "cmaes": lambda seed: ReplayedCmaEsSampler(seed=seed),
}
NEEDS = {"cmaes": "cmaes", "gp": "scipy"}
"""A package that a sampler needs beside Optuna."""


def make_sampler(name: str, seed: int, trials_before: int) -> BaseSampler:
    """The sampler; what it draws is settled by the seed and by how many trials there are already.

    A sampler is made anew where a search goes on; with the same seed alone it would draw its first trials again.

    Raises:
        UserError: a package that it needs is not installed.
    """
    if name in NEEDS:
        try:
            importlib.import_module(NEEDS[name])
        except ImportError:
            raise UserError(f"--sampler {name} needs the package {NEEDS[name]}: pip install {NEEDS[name]}") from None
    mixed = hashlib.sha256(f"{seed} {trials_before}".encode()).digest()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return MAKE[name](int.from_bytes(mixed[:4], "big"))
