"""Parts from outside the package are checked once before a study trains with them.

What a mistake in a part would do in silence is looked for: another gradient from the engine that would train than from
the reference path, runs of a cohort that influence each other, examples that influence each other, an output that is
not what the part declares.

Shapes: M runs, B batch, Z latent size, P = 784 pixels.
"""

import dataclasses
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from binarygan.config import MemberConfig
from binarygan.errors import UserError, first_line
from binarygan.model.architectures import PIXELS
from binarygan.model.gates import Gate
from binarygan.model.networks import Network, Parameters
from binarygan.model.output_layer import OutputLayer
from binarygan.training.engines import Case, choose
from binarygan.training.step import Reference

RUNS, BATCH = 2, 6
CPU = torch.device("cpu")
EXACT, ROUNDED = 1e-6, 2**-3
"""Relative differences that pass: of float64, and of an engine whose products are in bfloat16."""


def check_parts(config: MemberConfig, asked: str = "auto") -> None:
    """Nothing for a configuration of built-in parts alone.

    Args:
        asked: which engine the study asks for.

    Raises:
        UserError: one of the other parts fails, or does not do what it declares.
    """
    outside = [f"{field} {getattr(config, field)!r}" for field in config.outside_parts]
    if not outside:
        return
    names = " and ".join(outside)
    try:
        _check(config, names, asked)
    except UserError:
        raise
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        if isinstance(error, NotImplementedError) and not error.args:
            raise UserError(f"{names} cannot be trained: it has no method {frame.name} of its own") from error
        where = f"{Path(frame.filename).name}:{frame.lineno}"
        raise UserError(f"{names} cannot be trained: {type(error).__name__}: {first_line(error)} ({where})") from error


class _Inputs(NamedTuple):
    """Of a step: z (M, B, Z), real images and noise (M, B, P), epsilon (M, B, 1), the gates' noise (M, B, gates)."""

    z: Tensor
    real: Tensor
    noise: Tensor
    epsilon: Tensor
    gates: Tensor


def _check(config: MemberConfig, names: str, asked: str) -> None:
    exact = dataclasses.replace(config, dtype="float32")
    case = Case.of(exact, CPU, torch.float64)
    reference = Reference(case)
    parameters, inputs = _parameters(case, config.seed), _inputs(case)
    together = _step(reference, exact, parameters, inputs)
    _check_outputs(exact, case, parameters, inputs, names)
    for m in range(RUNS):
        of_run = [{name: t.detach()[m : m + 1].requires_grad_() for name, t in own.items()} for own in parameters]
        for key, value in _step(reference, exact, of_run, _Inputs(*(t[m : m + 1] for t in inputs))).items():
            if _difference(value, together[key][m : m + 1]) > EXACT:
                raise UserError(f"{names}: the runs of a cohort influence each other ({key} of a run differs alone)")
    dtype = torch.float64 if config.part("dtype").operands is None else torch.float32
    own = Case.of(config, CPU, dtype)
    engine = choose(own, asked)
    if type(engine) is Reference:
        return
    wanted = _step(Reference(own), config, _parameters(own, config.seed), _inputs(own))
    found = _step(engine, config, _parameters(own, config.seed), _inputs(own), wanted["fake images"])
    if key := _unlike(found, wanted, EXACT if dtype is torch.float64 else ROUNDED):
        raise UserError(
            f"{names}: the engine {engine.name} gives another {key} than the reference path: use --engine reference"
        )


def _step(
    engine: Reference,
    config: MemberConfig,
    parameters: Sequence[Parameters],
    inputs: _Inputs,
    fake: Tensor | None = None,
) -> dict[str, Tensor]:
    """Losses and gradients of one critic step and one generator step, by name, each with a leading member axis.

    Args:
        fake: the images that D sees; the generator's own where None. Another engine rounds otherwise, so that a
            threshold may turn pixels over.
    """
    (generator, discriminator), objective = parameters, config.part("objective")
    runs, batch, _ = inputs.z.shape
    neurons = OutputLayer(
        [config.part("neuron")] * runs, config.part("estimator"), [1.5] * runs, device=CPU, dtype=inputs.z.dtype
    )
    gate = Gate.of(config.generator_layers(), neurons, inputs.gates if neurons.noisy else None)
    a = engine.generate(generator, inputs.z, gate)
    own_fake = neurons(a, inputs.noise if neurons.noisy else None)
    fake = own_fake.detach() if fake is None else fake
    images = engine.images_of_step(inputs.real)
    images[:, :batch], images[:, batch : 2 * batch] = inputs.real, fake
    loss, gradients = engine.critic_gradients(discriminator, images, inputs.epsilon if objective.interpolates else None)
    found = {"fake images": fake, "input of the neurons": a.detach().clone(), "critic loss": loss.clone()}
    found |= {f"critic gradient {n}": g.clone() for n, g in zip(discriminator, gradients, strict=True)}
    loss, grad_fake = engine.generator_gradients(discriminator, fake)
    found["generator loss"] = loss.clone()
    outputs, grads = [own_fake], [grad_fake]
    if gate is not None:
        added = gate.loss()
        found["loss of gates"] = added.detach()
        outputs, grads = [own_fake, added], [grad_fake, torch.ones_like(added)]
    own = torch.autograd.grad(outputs, list(generator.values()), grads, materialize_grads=True)
    found |= {f"generator gradient {n}": g.clone() for n, g in zip(generator, own, strict=True)}
    for key, value in found.items():
        if len(value) != runs:
            raise UserError(
                f"objective {config.objective!r}: {key} has shape {tuple(value.shape)}, not one entry a run"
            )
    return found


@torch.no_grad()
def _check_outputs(
    config: MemberConfig, case: Case, parameters: Sequence[Parameters], inputs: _Inputs, names: str
) -> None:
    """Whether neurons give what they declare, and examples leave each other alone where no norm is over the batch."""
    neuron = config.part("neuron")

    def network_of(network: Network, own: Parameters, x: Tensor) -> Tensor:
        noise = inputs.gates[:, : x.shape[1]] if neuron.draws_noise else None
        return network(own, x, gate=Gate.of(network, lambda a, v: neuron.output(neuron.preactivated(a), v), noise))

    a = network_of(case.generator, parameters[0], inputs.z)
    p = neuron.preactivated(a)
    b = neuron.output(p, inputs.noise if neuron.draws_noise else None)
    if b.shape != a.shape or b.dtype is not a.dtype:
        raise UserError(f"{names}: outputs of shape {tuple(b.shape)}, {b.dtype}, where {tuple(a.shape)} are needed")
    if not bool(((p >= 0) & (p <= 1) & (b >= 0) & (b <= 1)).all()):
        raise UserError(f"{names}: outputs, or preactivated outputs, that are not from 0 to 1")
    if neuron.binary and not bool(((b == 0) | (b == 1)).all()):
        raise UserError(f"{names}: outputs other than 0 and 1 of a neuron that is declared binary")
    for network, own, x in zip((case.generator, case.discriminator), parameters, inputs[:2], strict=True):
        if any(layer.norm.of_batch for layer in network.layers):
            continue
        if not _difference(network_of(network, own, x)[:, :2], network_of(network, own, x[:, :2])) <= EXACT:
            raise UserError(f"{names}: examples of a batch influence each other, though no norm is `of_batch`")


def _parameters(case: Case, seed: int) -> list[Parameters]:
    """Of the runs' generators and discriminators, away from their first values, at which some gradients vanish."""
    source = torch.Generator().manual_seed(0)
    found = [
        network.initial_parameters(range(seed, seed + RUNS), purpose, device=CPU, dtype=case.dtype)
        for network, purpose in ((case.generator, "generator"), (case.discriminator, "discriminator"))
    ]
    with torch.no_grad():
        for parameter in (t for own in found for t in own.values()):
            parameter += 0.1 * torch.randn(parameter.shape, generator=source, dtype=torch.float64).to(case.dtype)
    return found


def _inputs(case: Case) -> _Inputs:
    """The images are grey, so that no two pixels tie where they are pooled."""
    source = torch.Generator().manual_seed(1)
    gates = case.generator.gates.blocks if case.generator.gates is not None else 0
    z = torch.randn(RUNS, BATCH, case.generator.channels, generator=source, dtype=torch.float64)
    others = (torch.rand(RUNS, BATCH, n, generator=source, dtype=torch.float64) for n in (PIXELS, PIXELS, 1, gates))
    return _Inputs(*(t.to(case.dtype) for t in (z, *others)))


def _unlike(found: dict[str, Tensor], wanted: dict[str, Tensor], tolerance: float) -> str:
    """The first of the tensors that differs; empty where none does.

    A gradient may be nothing but rounding (of a bias ahead of a norm over the batch): what is far smaller than the
    largest gradient is compared with that one's size.
    """
    largest = max(float(value.double().norm()) for key, value in wanted.items() if "gradient" in key)
    for key, value in wanted.items():
        least = 1e-3 * largest if "gradient" in key else 1e-6
        if not _difference(found[key], value, least) <= tolerance:
            return key
    return ""


def _difference(found: Tensor, wanted: Tensor, least: float = 1e-6) -> float:
    """Norm of the difference over the norm of what is wanted, or over `least` where that is larger."""
    return float((found - wanted).double().norm() / wanted.double().norm().clamp(min=least))
