"""Which parts are not for each other: what a configuration that asks for them together is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from binarygan.errors import UserError
from binarygan.model.architectures import Layer
from binarygan.model.estimators import ESTIMATORS
from binarygan.model.neurons import NEURONS
from binarygan.model.norms import NORMS
from binarygan.model.score_functions import ScoreFunction

if TYPE_CHECKING:
    from binarygan.config import MemberConfig


def check_combination(config: MemberConfig, layers: Mapping[str, Sequence[Layer]]) -> None:
    """A UserError where parts of a configuration are not for each other.

    Args:
        layers: of its networks, by the field that says what norm they have.
    """
    for field, own in layers.items():
        norm = getattr(config, field)
        if norm != "none" and all(layer.norm != config.part(field) for layer in own):
            raise UserError(f"{field}={norm!r} has no layer with architecture={config.architecture!r}: choose 'none'")
    neuron, estimator = NEURONS[config.neuron], ESTIMATORS[config.estimator]
    if not estimator().supports(neuron):
        raise UserError(f"estimator={config.estimator!r} is not for neuron={config.neuron!r}")
    if issubclass(estimator, ScoreFunction) and NORMS[config.discriminator_norm].of_batch:
        raise UserError(
            f"estimator={config.estimator!r} needs the loss of each example, which discriminator_norm="
            f"{config.discriminator_norm!r} mixes with the others': choose another norm in D"
        )
    if not any(layer.gates for own in layers.values() for layer in own):
        return
    gated = f"architecture={config.architecture!r}, whose gates are neurons of the run's kind"
    if not neuron.binary:
        raise UserError(f"neuron={config.neuron!r} is not for {gated}: choose a binary neuron")
    if issubclass(estimator, ScoreFunction):
        raise UserError(f"estimator={config.estimator!r} is not for {gated}: choose one that takes gradients")
