"""How good an estimator's gradient is: against a reference from the losses of single outputs flipped.

For binary neurons with p = sigmoid(s a) the gradient of E[f], the generator's expected loss of one example, is
s p (1 - p) E[f(b with b_j = 1) - f(b with b_j = 0)] for unit j (Titsias & Lázaro-Gredilla 2015, "Local expectation
gradients"): no derivative of the discriminator, little variance, but a pass of the discriminator for each unit.
A deterministic neuron's loss has no such gradient; the same differences at its one output stand for it.

Shapes: M runs, E examples, K samples of the noise, P = 784 pixels.
"""

from math import isfinite

import torch
from torch import Tensor

from binarygan.model.gates import Gate
from binarygan.model.neurons import Deterministic, Stochastic
from binarygan.model.score_functions import ScoreFunction
from binarygan.random_streams import derived_generator
from binarygan.training.step import Reference
from binarygan.training.trainer import Trainer

NAMES = ("gradient_cosine", "gradient_variance")
EXAMPLES, SAMPLES = 4, 8
KINDS = (Deterministic, Stochastic)
"""The neurons whose p is the chance of a 1, or stands for it; the classes themselves."""


def gradient_quality(trainer: Trainer) -> dict[str, list[float | None]]:
    """`gradient_cosine`, the estimates' mean cosine to the reference, and `gradient_variance`, their variance over
    their mean's square, of each run.

    Both are None for other neurons than the paper's binary ones, where the discriminator mixes examples, and where they
    are not finite. Noise and z are drawn from streams of their own, so that training is the same with and without this.
    """
    shared = trainer.configs[0]
    layers = trainer.discriminator.network.layers
    counted = [type(c.part("neuron")) in KINDS for c in trainer.configs]
    if not any(counted) or any(layer.norm.of_batch for layer in layers):
        return dict.fromkeys(NAMES, [None] * len(counted))
    z, v, of_gates = _drawn(trainer)
    neurons, engine = trainer.neurons, Reference(trainer.case)
    gate = Gate.of(trainer.case.generator, neurons, of_gates if neurons.noisy else None)
    with torch.no_grad():
        a = engine.generate(trainer.generator.parameters, z, gate)[:, :EXAMPLES].repeat(1, SAMPLES, 1)
    p, noise = neurons.preactivated(a), v if neurons.noisy else None
    critic = trainer.discriminator.parameters
    estimator = shared.part("estimator")
    seen = neurons.output(a, p, noise)
    if isinstance(estimator, ScoreFunction):
        outputs = estimator.outputs(seen, p=p, v=v)
        losses = [engine.losses_of_examples(critic, b) for b in outputs]
        estimates = neurons.slope * estimator.grad_x(losses, outputs, x=neurons.slope * a, p=p, v=v)
    else:
        _, g = engine.generator_gradients(critic, seen)
        own = {"a": a, "p": p, "slope": neurons.slope, "b": seen, "v": neurons.noise_of_all(noise, p)}
        estimates = estimator.grad_a(g, **own)
    binary = neurons.binary_output(p, noise)
    wanted = _by_sample(neurons.slope * p * (1 - p) * _flips(engine, critic, binary)).mean(1)
    found = _by_sample(estimates)
    mean = found.mean(1, keepdim=True)
    cosines = torch.nn.functional.cosine_similarity(found, wanted.unsqueeze(1), dim=2).mean(1)
    variances = (found - mean).square().sum(2).mean(1) / mean.square().sum(2).squeeze(1)
    return {
        name: [x if own and isfinite(x) else None for x, own in zip(values.tolist(), counted, strict=True)]
        for name, values in zip(NAMES, (cosines, variances), strict=True)
    }


def _drawn(trainer: Trainer) -> tuple[Tensor, Tensor, Tensor]:
    """z of a whole batch (M, B, Z), whose norms are the batch's, and of the noisy runs noise (S, K * E, P) and their
    gates' (S, B, gates)."""
    shared, like = trainer.configs[0], trainer.neurons.slope
    pixels = trainer.generator.network.outputs
    sources = [derived_generator(c.seed, "gradient quality", trainer.epochs_done, like.device) for c in trainer.configs]
    shape, examples = (shared.batch_size, shared.latent_size), min(EXAMPLES, shared.batch_size)
    z = torch.stack([torch.randn(shape, generator=s, device=like.device, dtype=like.dtype) for s in sources])
    noisy = [sources[m] for m in trainer.neurons.noisy]
    v = [torch.rand(SAMPLES * examples, pixels, generator=s, device=like.device, dtype=like.dtype) for s in noisy]
    gates = trainer.case.generator.gates
    width = gates.blocks if gates is not None else 0
    of_gates = [torch.rand(shape[0], width, generator=s, device=like.device, dtype=like.dtype) for s in noisy]
    return (z, torch.stack(v), torch.stack(of_gates)) if v else (z, z, z)


def _flips(engine: Reference, critic: dict[str, Tensor], b: Tensor) -> Tensor:
    """f(b with b_j = 1) - f(b with b_j = 0) for each unit j of each output: (M, K * E, P)."""
    one = torch.eye(b.shape[2], device=b.device, dtype=torch.bool)
    differences = []
    for row in b.unbind(1):  # (M, P)
        flipped = torch.where(one, 1 - row.unsqueeze(1), row.unsqueeze(1))
        losses = engine.losses_of_examples(critic, torch.cat([row.unsqueeze(1), flipped], 1)).squeeze(2)
        differences.append((losses[:, 1:] - losses[:, :1]) * (1 - 2 * row))
    return torch.stack(differences, 1)


def _by_sample(x: Tensor) -> Tensor:
    """(M, K * E, P) -> (M, K, E * P)."""
    return x.unflatten(1, (SAMPLES, -1)).flatten(2)
