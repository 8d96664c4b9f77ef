"""Which parts are not for each other: what a configuration that asks for them together is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from binarygan.errors import UserError
from binarygan.model.architectures import Layer
from binarygan.model.estimators import ESTIMATORS
from binarygan.model.neurons import NEURONS
from binarygan.model.norms import NORMS
from binarygan.model.score_functions import ScoreFunction

if TYPE_CHECKING:
    from binarygan.config import MemberConfig


def check_combination(config: MemberConfig, layers: Iterable[Layer]) -> None:
    """A UserError where parts of a configuration, whose networks have these layers, are not for each other."""
    neuron, estimator = NEURONS[config.neuron], ESTIMATORS[config.estimator]
    if not estimator().supports(neuron):
        raise UserError(f"estimator={config.estimator!r} is not for neuron={config.neuron!r}")
    if issubclass(estimator, ScoreFunction) and NORMS[config.discriminator_norm].of_batch:
        raise UserError(
            f"estimator={config.estimator!r} needs the loss of each example, which discriminator_norm="
            f"{config.discriminator_norm!r} mixes with the others': choose another norm in D"
        )
    if not any(layer.gates for layer in layers):
        return
    gated = f"architecture={config.architecture!r}, whose gates are neurons of the run's kind"
    if not neuron.binary:
        raise UserError(f"neuron={config.neuron!r} is not for {gated}: choose a binary neuron")
    if issubclass(estimator, ScoreFunction):
        raise UserError(f"estimator={config.estimator!r} is not for {gated}: choose one that takes gradients")
