"""The paper: its settings, its two variants, and the configurations of each of its figures. No torch."""

import json
from dataclasses import dataclass
from itertools import product
from typing import Any

from binarygan.config import FIELDS_OF_PARTS, MemberConfig
from binarygan.errors import UserError, nearest
from binarygan.model.neurons import NEURONS
from binarygan.model.objectives import OBJECTIVES
from binarygan.registry import parameters_of
from binarygan.training.optimizers import OPTIMIZERS

FIDELITIES = ("as-described", "as-released")
"""The variants: the paper's text, and its code."""
BINARY = ("deterministic", "stochastic")
ALL_NEURONS = (*BINARY, "real")


def norm_of(fidelity: str) -> str:
    """The norm that a variant has where the paper says batch normalization."""
    if fidelity not in FIDELITIES:
        raise UserError(f"fidelity {fidelity!r} is unknown: {nearest(fidelity, FIDELITIES)}")
    return "batch" if fidelity == "as-described" else "affine"


def normalizes_discriminator(objective: str) -> bool:
    """Whether the paper's main runs have a norm in the discriminator: with GAN alone."""
    return objective == "gan"


def split_of(fidelity: str, reference: str = "test") -> str:
    """The split that a variant trains on where none is named: the code's has the test images, unless they are kept.

    >>> split_of("as-described"), split_of("as-released"), split_of("as-released", "validation")
    ('train', 'all', 'train')
    """
    return "all" if fidelity == "as-released" and reference == "test" else "train"


def paper_config(*, fidelity: str, **choices: Any) -> MemberConfig:
    """The paper's settings for the given choices (an objective, a neuron, …), everything resolved.

    `as-described` is the paper's text: batch normalization on the generator's hidden layers, slope annealing, the train
    split. `as-released` is its code: an affine map in place of batch normalization, on the output layer, too; slope 1;
    train and test merged, unless samples are compared with validation images (`split_of`).
    `choices` must name `objective`, `data_digest` and `train_images`; it may name any other field. A part's own
    parameters are given as `{"neuron.temperature": 0.5}`.
    Where an optimizer is not named it is the objective's: RMSProp for WGAN, Adam for the others.
    """
    objective = choices["objective"]
    norm = norm_of(fidelity)
    optimizer = choices.get("optimizer", OBJECTIVES[objective].optimizer)
    neuron = choices.get("neuron", "deterministic")
    anneals = fidelity == "as-described" and NEURONS[neuron].anneals
    chosen = [OBJECTIVES[objective], OPTIMIZERS[optimizer]]
    own = {name: declared.default for part in chosen for name, declared in parameters_of(part).items()}
    values: dict[str, Any] = {
        "neuron": neuron,
        "architecture": "mlp",
        "generator_norm": norm,
        "generator_output_norm": "none" if fidelity == "as-described" else choices.get("generator_norm", norm),
        "discriminator_norm": norm if normalizes_discriminator(objective) else "none",
        "slope_rate": 1.1 if anneals else 1.0,
        "estimator": "sigmoid",
        "seed": 0,
        "data": "mnist",
        "split": split_of(fidelity, choices.get("reference", "test")),
        "epochs": 20,
        "batch_size": 64,
        "latent_size": 128,
        "optimizer": optimizer,
        "learning_rate": 1e-4,
        **{name: own.get(name) for name in FIELDS_OF_PARTS},
        "critic_schedule": "released",
        "critic_steps": 5,
        "dtype": "float32",
    }
    own_parameters = {name: value for name, value in choices.items() if "." in name}
    if own_parameters:
        values["part_parameters"] = json.dumps(own_parameters)
    return MemberConfig.from_dict(values | {k: v for k, v in choices.items() if k not in own_parameters})


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One point of the paper's design, in either variant; whatever it does not name is as in the paper."""

    objective: str
    neuron: str
    architecture: str = "mlp"
    norm_in_d: bool | None = None
    """Whether the discriminator is normalized; None for the paper's own placement (`normalizes_discriminator`)."""

    @property
    def has_norm_in_d(self) -> bool:
        """`norm_in_d`, resolved."""
        return normalizes_discriminator(self.objective) if self.norm_in_d is None else self.norm_in_d

    def choices(self, fidelity: str) -> dict[str, Any]:
        """What it chooses of a configuration, for `paper_config`."""
        return {
            "objective": self.objective,
            "architecture": self.architecture,
            "discriminator_norm": norm_of(fidelity) if self.has_norm_in_d else "none",
            "neuron": self.neuron,
        }


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What one or two figures of the paper compare."""

    name: str
    """The grid `paper-<name>` trains it."""
    shows: str
    """Which figures, and what stands in them."""
    cells: tuple[Cell, ...]


EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            name="appendix",
            shows="Figure 8: 3 objectives x normalization in D x DBN, SBN",
            cells=tuple(
                Cell(objective=objective, norm_in_d=norm_in_d, neuron=neuron)
                for objective, norm_in_d, neuron in product(("wgan-gp", "wgan", "gan"), (True, False), BINARY)
            ),
        ),
        Experiment(
            name="neurons",
            shows="Figures 3 and 4: DBN, SBN and real-valued neurons",
            cells=tuple(Cell(objective="wgan-gp", neuron=neuron) for neuron in ALL_NEURONS),
        ),
        Experiment(
            name="real-valued",
            shows="Figures 4 and 5: real-valued neurons",
            cells=(Cell(objective="wgan-gp", neuron="real"),),
        ),
        Experiment(
            name="objectives",
            shows="Figure 6: GAN and WGAN",
            cells=tuple(Cell(objective=o, neuron=n) for o, n in product(("gan", "wgan"), BINARY)),
        ),
        Experiment(
            name="architectures",
            shows="Figure 7: the CNN",
            cells=tuple(Cell(objective="wgan-gp", architecture="cnn", neuron=n) for n in ALL_NEURONS),
        ),
    )
}
"""By name."""
