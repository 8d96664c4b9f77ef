"""The trainer: the runs of a cohort advance together, one epoch at a call.

Shapes: M runs, B batch, P = 784 pixels, K critic steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from binarygan.arithmetic.products import set_arithmetic
from binarygan.config import COHORT_FREE, MemberConfig
from binarygan.fast.cuda_graphs import Recorder, recorder
from binarygan.model.architectures import PIXELS
from binarygan.model.networks import Parameters
from binarygan.model.output_layer import OutputLayer
from binarygan.random_streams import Draws, SeededDraws
from binarygan.training.engines import Case, choose
from binarygan.training.iteration import Iteration
from binarygan.training.optimizers import BEYOND_ALL_STEPS, STEP
from binarygan.training.schedules import slope_at
from binarygan.training.step import Side

COUNT = torch.zeros(())
"""Of the shape and type of a count of an optimizer's steps."""


@dataclass(frozen=True, kw_only=True)
class EpochLosses:
    """Means over an epoch's steps, one a run: (M,)."""

    discriminator_loss: Tensor
    generator_loss: Tensor


class Trainer:
    """Trains the runs of one cohort.

    Args:
        configs: the runs; they may differ in neuron, slope rate and seed only.
        images: binary images (n, 784), uint8, at least `train_images` of them.
        engine: `auto` for the first engine that supports the case, or `reference`.

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
        engine: str = "auto",
    ) -> None:
        if len({c.cohort_key for c in configs}) != 1:
            raise ValueError(f"members of a cohort may differ in {', '.join(COHORT_FREE)} only")
        self.configs = tuple(configs)
        self.epochs_done = 0
        self._device, self._dtype = device, dtype
        shared = configs[0]
        self._images = images[: shared.train_images].to(device)
        self.case = Case.of(shared, device, dtype)
        self.engine = choose(self.case, engine)
        neurons = [c.part("neuron") for c in configs]
        slopes = [1.0 for _ in configs]
        self.neurons = OutputLayer(neurons, shared.part("estimator"), slopes, device=device, dtype=dtype)
        self._networks = {"generator": self.case.generator, "discriminator": self.case.discriminator}
        seeds = [c.seed for c in configs]
        initial = {
            name: network.initial_parameters(seeds, name, device=device, dtype=dtype)
            for name, network in self._networks.items()
        }
        self._set_up(initial)

    def draws(self, epoch: int) -> SeededDraws:
        """The random numbers of the given epoch, from their beginning."""
        shared = self.configs[0]
        return SeededDraws(
            [c.seed for c in self.configs],
            noisy=self.neurons.noisy,
            epoch=epoch,
            images=shared.train_images,
            batch=shared.batch_size,
            latent=shared.latent_size,
            outputs=PIXELS,
            gates=gates.blocks if (gates := self.case.generator.gates) else 0,
            device=self._device,
            dtype=self._dtype,
        )

    def set_epoch(self, epoch: int) -> None:
        """Give the output neurons the slopes of an epoch."""
        self.neurons.set_slopes([slope_at(c.slope_rate, epoch) for c in self.configs])

    def train_epoch(self) -> EpochLosses:
        """Train the next epoch; no synchronization with the device before its end."""
        shared, epoch = self.configs[0], self.epochs_done + 1
        set_arithmetic(tf32=shared.part("dtype").tf32)
        self.set_epoch(epoch)
        draws = self.draws(epoch)
        first = self.epochs_done * shared.iterations_per_epoch
        critic_total = torch.zeros(len(self.configs), device=self._device, dtype=self._dtype)
        generator_total = torch.zeros_like(critic_total)
        steps = 0
        for i, batch in enumerate(draws.batches()):
            if i == 1 and not self._recorded and (graphs := recorder(self._device)):  # the first has set everything up
                self.record(graphs)
            count = shared.critic_steps_before(first + i)
            of_critic, of_generator = self.iteration(batch, draws, count)
            critic_total += of_critic.sum(0)
            generator_total += of_generator
            steps += count
        self.epochs_done = epoch
        return EpochLosses(
            discriminator_loss=critic_total / steps,
            generator_loss=generator_total / shared.iterations_per_epoch,
        )

    def iteration(self, batch: Tensor, draws: Draws, critic_steps: int) -> tuple[Tensor, Tensor]:
        """One iteration on the images of these indices (M, B): the critic's losses (K, M), the generator's (M,)."""
        # `images[indices]` takes ten times as long on a CPU
        real = self._images.index_select(0, batch.flatten()).view(*batch.shape, PIXELS)
        return self._iteration(real, draws, critic_steps)

    def record(self, recorder: Recorder) -> None:
        """Run every further iteration from recorded steps."""
        self._iteration.record(recorder, self.configs[0].critic_steps)
        self._recorded = True

    def finite(self) -> dict[str, Tensor]:
        """Which runs' parameters are all finite, by network: (M,), boolean."""
        return {
            network: torch.stack([t.detach().isfinite().flatten(1).all(1) for t in side.parameters.values()]).all(0)
            for network, side in self._sides.items()
        }

    def state(self) -> dict[str, Tensor]:
        """Every tensor that training changes, by name: parameters and optimizers' states."""
        tensors: dict[str, Tensor] = {}
        for network, side in self._sides.items():
            for (name, parameter), kept in zip(side.parameters.items(), side.optimizer.state(), strict=True):
                tensors[f"{network}.{name}"] = parameter.detach()
                tensors |= {f"{network}.{name}.{key}": value for key, value in kept.items()}
        return tensors

    def load_state(self, tensors: dict[str, Tensor], epochs_done: int) -> None:
        """Go on from `state()` as it was after `epochs_done` epochs.

        Raises:
            ValueError: a tensor is missing, of another shape or type, or counts no steps.
        """
        for network, side in self._sides.items():
            for name, parameter in side.parameters.items():
                parameter.detach().copy_(_stored(tensors, f"{network}.{name}", parameter))
        # optimizers may keep copies of the parameters, and recorded steps keep the optimizers
        self._set_up({network: side.parameters for network, side in self._sides.items()})
        if epochs_done:
            for network, side in self._sides.items():
                side.optimizer.load_state(
                    [
                        {
                            key: _stored(tensors, f"{network}.{name}.{key}", COUNT if key == STEP else parameter)
                            for key in self.case.optimizer.states
                        }
                        for name, parameter in side.parameters.items()
                    ]
                )
        self.epochs_done = epochs_done

    def _set_up(self, parameters: dict[str, Parameters]) -> None:
        """Make optimizers and the iteration for these parameters."""
        shared = self.configs[0]
        self._sides = {
            name: Side(network, parameters[name], self.engine.optimizer(network, parameters[name]))
            for name, network in self._networks.items()
        }
        self.generator, self.discriminator = self._sides.values()
        self._iteration = Iteration(
            self.engine,
            self.case.objective,
            self.generator,
            self.discriminator,
            self.neurons,
            batch=shared.batch_size,
            latent_size=shared.latent_size,
        )
        self._recorded = False


def _stored(tensors: dict[str, Tensor], name: str, like: Tensor) -> Tensor:
    """The tensor of that name; a ValueError where it is not as it should be."""
    stored = tensors.get(name)
    if stored is None or stored.shape != like.shape or stored.dtype is not like.dtype:
        raise ValueError(f"it has no {name} of shape {tuple(like.shape)} and type {like.dtype}")
    if like is COUNT and not 1 <= float(stored) < BEYOND_ALL_STEPS:
        raise ValueError(f"its {name} counts no steps")
    return stored
