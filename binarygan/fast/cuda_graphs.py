"""A cohort's iteration from recorded steps, which a GPU replays as CUDA graphs.

At the paper's sizes a step is dozens of kernels of a few microseconds each: launched one by one they leave a GPU
waiting for Python. Recorded, a step is one launch, whatever the number of members. All inputs live in buffers that
recorded steps read; random numbers are drawn into them from the members' own generators.

Shapes: M members, S of them stochastic, B batch, Z latent size, P = 784 pixels, K critic steps.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from binarygan.config import MemberConfig
from binarygan.model.architectures import PIXELS
from binarygan.model.neurons import Neurons
from binarygan.random_streams import Draws
from binarygan.training.gradients import critic_images

Step = Callable[[], None]
Recorder = Callable[[Step], Step]
"""Takes a step, which it may run once or not at all, and gives what runs it once more."""


class Steps(Protocol):
    """What a recorded iteration is made of; each is free of synchronization with the device."""

    def forward(self, latent: Tensor) -> Tensor:
        """The generator's output before its neurons, (M, B, P), with its graph."""

    def critic_step(self, images: Tensor, mixing: Tensor | None) -> Tensor:
        """One step of the critic on `critic_images`; its loss before the update, (M,)."""

    def generator_step(self, a: Tensor, neurons: Neurons, thresholds: Tensor | None) -> Tensor:
        """One step of the generator from `a` of `forward`; its loss before the update, (M,)."""


class RecordedIteration:
    """The iteration of one cohort, recorded once, replayed with new inputs.

    One of the configured number of critic steps is recorded whole; for any other, as during warm-up, its forward pass,
    critic step and generator step are, each by itself. The generator's step goes back through what the recorded forward
    pass has kept for it.

    Args:
        steps: of the cohort.
        config: what its members share.
        neurons: theirs, with the slopes of any epoch.
        record: how a step is recorded.
    """

    def __init__(self, steps: Steps, config: MemberConfig, neurons: Neurons, record: Recorder) -> None:
        self._neurons, self._critic_steps = neurons, config.critic_steps
        members, like = neurons.slope.shape[0], neurons.slope
        batch, count = config.batch_size, config.critic_steps
        noisy, mixes = bool(neurons.stochastic), config.penalty_weight is not None
        self._latent = like.new_zeros(members, batch, config.latent_size)
        images = critic_images(members, batch, PIXELS, like=like, mixes=mixes)
        self._real, fake, *_ = images.split(batch, 1)
        self._p = like.new_zeros(members, batch, PIXELS) if noisy else None
        # of each critic step, and of the generator's
        self._thresholds = like.new_zeros(count + 1, len(neurons.stochastic), batch, PIXELS) if noisy else None
        self._mixing = like.new_zeros(count, members, batch, 1) if mixes else None
        self._critic_losses, self._generator_loss = like.new_zeros(count, members), like.new_zeros(members)

        def forward() -> None:
            self._a = steps.forward(self._latent)
            p = neurons.preactivated(self._a)
            if self._p is None:
                fake.copy_(neurons.fired(p, None))
            else:
                self._p.copy_(p)

        def critic_step(place: int = 0) -> None:
            if self._p is not None and self._thresholds is not None:
                fake.copy_(neurons.fired(self._p, self._thresholds[place]))
            mixing = None if self._mixing is None else self._mixing[place]
            self._critic_losses[place].copy_(steps.critic_step(images, mixing))

        def generator_step() -> None:
            thresholds = None if self._thresholds is None else self._thresholds[count]
            self._generator_loss.copy_(steps.generator_step(self._a, neurons, thresholds))

        def whole() -> None:
            forward()
            for place in range(count):
                critic_step(place)
            generator_step()

        self._forward, self._critic_step, self._generator_step = map(record, (forward, critic_step, generator_step))
        self._whole = record(whole)

    def set_slopes(self, neurons: Neurons) -> None:
        """Take over another epoch's slopes."""
        self._neurons.slope.copy_(neurons.slope)

    def __call__(self, real: Tensor, draws: Draws, critic_steps: int) -> tuple[Tensor, Tensor]:
        """K critic steps and a generator step on images `real` (M, B, P): their losses (K, M) and (M,)."""
        self._real.copy_(real)
        self._latent.copy_(draws.latent())
        if critic_steps == self._critic_steps:
            for place in range(critic_steps):
                self._draw(draws, place)
            self._draw_for_generator(draws)
            self._whole()
            return self._critic_losses.clone(), self._generator_loss.clone()
        self._forward()
        losses = []
        for _ in range(critic_steps):
            self._draw(draws, 0)
            self._critic_step()
            losses.append(self._critic_losses[0].clone())
        self._draw_for_generator(draws)
        self._generator_step()
        return torch.stack(losses), self._generator_loss.clone()

    def _draw(self, draws: Draws, place: int) -> None:
        """For the critic step of that place."""
        if self._thresholds is not None:
            self._thresholds[place].copy_(draws.thresholds())
        if self._mixing is not None:
            self._mixing[place].copy_(draws.mixing())

    def _draw_for_generator(self, draws: Draws) -> None:
        if self._thresholds is not None:
            self._thresholds[self._critic_steps].copy_(draws.thresholds())


class CudaGraphs:
    """Records steps as CUDA graphs with one pool of memory. Recording runs nothing: whatever is recorded has to have
    run once before, on the same stream, so that libraries are set up.
    """

    def __init__(self) -> None:
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, step: Step) -> Step:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            step()
        return graph.replay
