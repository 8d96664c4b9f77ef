"""The trainer: a cohort of members advances together, one epoch at a call.

Shapes: M members, B batch, Z latent size, P = 784 pixels, K critic steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from binarygan.arithmetic.products import set_arithmetic
from binarygan.config import COHORT_FREE, MemberConfig
from binarygan.fast.cuda_graphs import CudaGraphs, RecordedIteration, Recorder
from binarygan.model.architectures import PIXELS
from binarygan.model.networks import Parameters, discriminator, generator
from binarygan.model.neurons import Neurons, slope_at
from binarygan.model.objectives import make_objective
from binarygan.random_streams import Draws, SeededDraws
from binarygan.training.gradients import critic_images, make_generate, make_gradients
from binarygan.training.optimizers import BEYOND_ALL_STEPS, STATES, STEP, Optimizer, make_optimizer
from binarygan.training.schedules import critic_steps


@dataclass(frozen=True, kw_only=True)
class EpochLosses:
    """Means over an epoch's steps, one a member: (M,)."""

    discriminator_loss: Tensor
    generator_loss: Tensor


class Trainer:
    """Trains the members of one cohort.

    Args:
        configs: the members; they may differ in neuron, slope rate and seed only.
        images: binary images (n, 784), uint8, at least `train_images` of them.

    Raises:
        ValueError: the configurations do not belong to one cohort.
    """

    def __init__(
        self,
        configs: Sequence[MemberConfig],
        images: Tensor,
        *,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if len({c.cohort_key for c in configs}) != 1:
            raise ValueError(f"members of a cohort may differ in {', '.join(COHORT_FREE)} only")
        self.configs = tuple(configs)
        self.epochs_done = 0
        self._recorded: RecordedIteration | None = None
        self._device, self._dtype = device, dtype
        shared = configs[0]
        seeds = [c.seed for c in configs]
        self._images = images[: shared.train_images].to(device)
        self._objective = make_objective(shared)
        self.generator, self.discriminator = generator(shared), discriminator(shared)
        self._gradients = make_gradients(shared, self.discriminator, device, dtype)
        self._generate = make_generate(self.generator, device, dtype)
        self.generator_parameters = self.generator.initial_parameters(seeds, "generator", device=device, dtype=dtype)
        self.discriminator_parameters = self.discriminator.initial_parameters(
            seeds, "discriminator", device=device, dtype=dtype
        )
        self._make_optimizers()

    def neurons_at(self, epoch: int) -> Neurons:
        """The output neurons with the slopes of the given epoch."""
        slopes = [slope_at(c.slope_rate, epoch) for c in self.configs]
        return Neurons([c.neuron for c in self.configs], slopes, device=self._device, dtype=self._dtype)

    def draws(self, epoch: int) -> SeededDraws:
        """The random numbers of the given epoch, from their beginning."""
        shared = self.configs[0]
        return SeededDraws(
            [c.seed for c in self.configs],
            stochastic=[i for i, c in enumerate(self.configs) if c.neuron == "stochastic"],
            epoch=epoch,
            images=shared.train_images,
            batch=shared.batch_size,
            latent=shared.latent_size,
            outputs=PIXELS,
            device=self._device,
            dtype=self._dtype,
        )

    def train_epoch(self) -> EpochLosses:
        """Train the next epoch; no synchronization with the device before its end."""
        shared, epoch = self.configs[0], self.epochs_done + 1
        set_arithmetic(shared)
        neurons, draws = self.neurons_at(epoch), self.draws(epoch)
        first = self.epochs_done * shared.iterations_per_epoch
        critic_total = torch.zeros(len(self.configs), device=self._device, dtype=self._dtype)
        generator_total = torch.zeros_like(critic_total)
        steps = 0
        if self._recorded is not None:
            self._recorded.set_slopes(neurons)
        for i, batch in enumerate(draws.batches()):
            if i == 1 and self._recorded is None and self._device.type == "cuda":  # the first has set everything up
                self.record(CudaGraphs(), neurons)
            count = critic_steps(shared, first + i)
            of_critic, of_generator = self.iteration(batch, draws, neurons, count)
            critic_total += of_critic.sum(0)
            generator_total += of_generator
            steps += count
        self.epochs_done = epoch
        return EpochLosses(
            discriminator_loss=critic_total / steps,
            generator_loss=generator_total / shared.iterations_per_epoch,
        )

    def iteration(self, batch: Tensor, draws: Draws, neurons: Neurons, critic_steps: int) -> tuple[Tensor, Tensor]:
        """K critic steps and one generator step, all on one batch (indices (M, B)) and one z.

        The generator does not change between the critic steps, so its forward pass is done once; only the noise of
        stochastic neurons is new at each step.

        Returns:
            Losses before each update: the critic's (K, M), the generator's (M,).
        """
        if self._recorded is not None:
            return self._recorded(self._batch(batch), draws, critic_steps)
        a = self.forward(draws.latent())
        p = neurons.preactivated(a)
        noisy = bool(neurons.stochastic)
        images = critic_images(*a.shape, like=a, mixes=self._objective.mixes, dtype=self._gradients.images_in(a))
        real, fake, *_ = images.split(batch.shape[1], 1)
        real.copy_(self._batch(batch))
        if not noisy:
            fake.copy_(neurons.fired(p, None))
        losses = []
        for _ in range(critic_steps):
            if noisy:
                fake.copy_(neurons.fired(p, draws.thresholds()))
            losses.append(self.critic_step(images, draws.mixing() if self._objective.mixes else None))
        generator_loss = self.generator_step(a, neurons, draws.thresholds() if noisy else None)
        return torch.stack(losses), generator_loss

    def _batch(self, indices: Tensor) -> Tensor:
        """Images (M, B, P) of these indices; `images[indices]` takes ten times as long on a CPU."""
        return self._images.index_select(0, indices.flatten()).view(*indices.shape, PIXELS)

    def forward(self, latent: Tensor) -> Tensor:
        """The input of the output neurons (M, B, P) for z (M, B, Z), with its graph."""
        return self._generate(self._generator_operands, latent)

    def critic_step(self, images: Tensor, mixing: Tensor | None) -> Tensor:
        """One update of the critic on `critic_images`; its loss before it, (M,)."""
        loss, gradients = self._gradients.of_critic(self._discriminator_operands, images, mixing)
        self._discriminator_optimizer.update(gradients)
        self._objective.constrain(self.discriminator_parameters.values())
        return loss

    def generator_step(self, a: Tensor, neurons: Neurons, thresholds: Tensor | None) -> Tensor:
        """One update of the generator from `a` of `forward`; its loss before it, (M,)."""
        fake = neurons(a, thresholds)
        loss, slope = self._gradients.of_generator(self._discriminator_operands, fake.detach())
        gradients = torch.autograd.grad(fake, list(self._generator_operands.values()), slope)
        self._generator_optimizer.update(gradients)
        return loss

    def record(self, recorder: Recorder, neurons: Neurons) -> None:
        """Run every further iteration from recorded steps; `neurons` are those of the epoch that comes or goes on."""
        self._recorded = RecordedIteration(self, self.configs[0], neurons, recorder)

    def finite(self) -> dict[str, Tensor]:
        """Which members' parameters are all finite, by network: (M,), boolean."""
        return {
            network: torch.stack([t.detach().isfinite().flatten(1).all(1) for t in parameters.values()]).all(0)
            for network, parameters, _ in self._parts()
        }

    def state(self) -> dict[str, Tensor]:
        """Every tensor that training changes, by name: parameters and optimizers' states."""
        tensors: dict[str, Tensor] = {}
        for network, parameters, optimizer in self._parts():
            for (name, parameter), kept in zip(parameters.items(), optimizer.state(), strict=True):
                tensors[f"{network}.{name}"] = parameter.detach()
                tensors |= {f"{network}.{name}.{key}": value for key, value in kept.items()}
        return tensors

    def load_state(self, tensors: dict[str, Tensor], epochs_done: int) -> None:
        """Go on from `state()` as it was after `epochs_done` epochs.

        Raises:
            ValueError: a tensor is missing, of another shape or type, or counts no steps.
        """
        self._recorded = None  # it would go on updating the states that it was recorded with
        for network, parameters, _ in self._parts():
            for name, parameter in parameters.items():
                parameter.detach().copy_(_stored(tensors, f"{network}.{name}", parameter.shape, parameter.dtype))
        self._make_optimizers()  # of these parameters, which one may keep copies of
        if epochs_done:
            for network, parameters, optimizer in self._parts():
                names = STATES[self.configs[0].optimizer]
                optimizer.load_state(
                    [
                        {key: _optimizer_state(tensors, f"{network}.{name}", key, parameter) for key in names}
                        for name, parameter in parameters.items()
                    ]
                )
        self.epochs_done = epochs_done

    def _make_optimizers(self) -> None:
        shared = self.configs[0]
        ours, theirs = self.generator_parameters, self.discriminator_parameters
        self._generator_optimizer = make_optimizer(shared, ours, self.generator.rounded())
        clipped = shared.clip_value is not None  # in place, which a copy would not follow
        self._discriminator_optimizer = make_optimizer(shared, theirs, () if clipped else self.discriminator.rounded())
        self._generator_operands = dict(zip(ours, self._generator_optimizer.operands, strict=True))
        self._discriminator_operands = dict(zip(theirs, self._discriminator_optimizer.operands, strict=True))

    def _parts(self) -> list[tuple[str, Parameters, Optimizer]]:
        return [
            ("generator", self.generator_parameters, self._generator_optimizer),
            ("discriminator", self.discriminator_parameters, self._discriminator_optimizer),
        ]


def _optimizer_state(tensors: dict[str, Tensor], name: str, key: str, parameter: Tensor) -> Tensor:
    """What the optimizer keeps of the parameter of that name under `key`."""
    if key != STEP:
        return _stored(tensors, f"{name}.{key}", parameter.shape, parameter.dtype)
    steps = _stored(tensors, f"{name}.{key}", torch.Size(), torch.float32)
    if not 1 <= float(steps) < BEYOND_ALL_STEPS:
        raise ValueError(f"its {name}.{key} counts no steps")
    return steps


def _stored(tensors: dict[str, Tensor], name: str, shape: torch.Size, dtype: torch.dtype) -> Tensor:
    """The tensor of that name; a ValueError where it is not as it should be."""
    stored = tensors.get(name)
    if stored is None or stored.shape != shape or stored.dtype is not dtype:
        raise ValueError(f"it has no {name} of shape {tuple(shape)} and type {dtype}")
    return stored
