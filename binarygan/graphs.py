"""A cohort's iteration from three recorded steps, which a GPU replays as CUDA graphs.

At the paper's sizes a step is dozens of kernels of a few microseconds each: launched one by one they leave a GPU
waiting for Python. Recorded, a step is one launch, whatever the number of members. All inputs live in buffers that
recorded steps read; random numbers are drawn into them from the members' own generators.

Shapes: M members, S of them stochastic, B batch, Z latent size, P = 784 pixels, K critic steps.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from binarygan.architectures import PIXELS
from binarygan.config import MemberConfig
from binarygan.neurons import Neurons
from binarygan.streams import Draws

Step = Callable[[], None]
Recorder = Callable[[Step], Step]
"""Takes a step, which it may run any number of times or not at all, and gives what runs it once."""


class Steps(Protocol):
    """What a recorded iteration is made of; each is free of synchronization with the device."""

    def forward(self, latent: Tensor) -> Tensor:
        """The generator's output before its neurons, (M, B, P), with its graph."""

    def critic_step(self, real: Tensor, fake: Tensor, mixing: Tensor | None) -> Tensor:
        """One step of the critic; its loss before the update, (M,)."""

    def generator_step(self, a: Tensor, neurons: Neurons, thresholds: Tensor | None) -> Tensor:
        """One step of the generator from `a` of `forward`; its loss before the update, (M,)."""


class RecordedIteration:
    """The iteration of one cohort, recorded once, replayed with new inputs.

    Differs from the plain iteration in one thing: the generator's forward pass is done twice, without a graph before
    the critic's steps and with one in the generator's step, so that each step is recorded by itself.

    Args:
        steps: of the cohort.
        config: what its members share.
        neurons: theirs, with the slopes of any epoch.
        record: how a step is recorded.
    """

    def __init__(self, steps: Steps, config: MemberConfig, neurons: Neurons, record: Recorder) -> None:
        self._neurons = neurons
        members, like = neurons.slope.shape[0], neurons.slope
        batch = config.batch_size
        noisy, mixes = bool(neurons.stochastic), config.penalty_weight is not None
        self._latent = like.new_zeros(members, batch, config.latent_size)
        self._real = like.new_zeros(members, batch, PIXELS)
        self._fixed = like.new_zeros(members, batch, PIXELS)
        self._thresholds = like.new_zeros(len(neurons.stochastic), batch, PIXELS) if noisy else None
        self._mixing = like.new_zeros(members, batch, 1) if mixes else None
        self._critic_loss, self._generator_loss = like.new_zeros(2, members).unbind()

        def forward() -> None:
            a = steps.forward(self._latent).detach()
            self._fixed.copy_(a if noisy else neurons(a, None))

        def critic_step() -> None:
            fake = neurons(self._fixed, self._thresholds) if noisy else self._fixed
            self._critic_loss.copy_(steps.critic_step(self._real, fake, self._mixing))

        def generator_step() -> None:
            a = steps.forward(self._latent)
            self._generator_loss.copy_(steps.generator_step(a, neurons, self._thresholds))

        self._forward, self._critic_step, self._generator_step = map(record, (forward, critic_step, generator_step))

    def set_slopes(self, neurons: Neurons) -> None:
        """Take over another epoch's slopes."""
        self._neurons.slope.copy_(neurons.slope)

    def __call__(self, real: Tensor, draws: Draws, critic_steps: int) -> tuple[Tensor, Tensor]:
        """K critic steps and a generator step on images `real` (M, B, P): their losses (K, M) and (M,)."""
        self._real.copy_(real)
        self._latent.copy_(draws.latent())
        self._forward()
        losses = []
        for _ in range(critic_steps):
            self._draw(draws, mixing=True)
            self._critic_step()
            losses.append(self._critic_loss.clone())
        self._draw(draws, mixing=False)
        self._generator_step()
        return torch.stack(losses), self._generator_loss.clone()

    def _draw(self, draws: Draws, *, mixing: bool) -> None:
        if self._thresholds is not None:
            self._thresholds.copy_(draws.thresholds())
        if mixing and self._mixing is not None:
            self._mixing.copy_(draws.mixing())


class CudaGraphs:
    """Records steps as CUDA graphs with one pool of memory. Recording runs nothing: whatever is recorded has to have
    run once before, on the same stream, so that libraries are set up and optimizers have their state.
    """

    def __init__(self) -> None:
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, step: Step) -> Step:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            step()
        return graph.replay
