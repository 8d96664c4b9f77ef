"""An iteration: K critic steps and one generator step, all on one batch of real images and one z.

The generator does not change between the critic steps, so its forward pass is done once, with one z and one draw of its
gates' noise; only the noise of its neurons and the penalty's epsilon are new at each step. On a GPU the pieces are
recorded once and replayed: at the paper's sizes a step is dozens of kernels of a few microseconds each, and launching
them one by one would leave the GPU waiting for Python. What is recorded are the same pieces.

Shapes: M runs, S of them with noisy neurons, B batch, Z latent size, P = 784 pixels, K critic steps.
"""

import torch
from torch import Tensor

from binarygan.fast.cuda_graphs import Recorder, Step
from binarygan.model.gates import Gate
from binarygan.model.objectives import Objective
from binarygan.model.output_layer import OutputLayer
from binarygan.random_streams import Draws
from binarygan.training.step import Reference, Side, critic_step, generator_step


class Iteration:
    """The iterations of one cohort.

    Args:
        neurons: their slopes are read at each iteration.
        batch: B. latent_size: Z.
    """

    def __init__(
        self,
        engine: Reference,
        objective: Objective,
        generator: Side,
        discriminator: Side,
        neurons: OutputLayer,
        *,
        batch: int,
        latent_size: int,
    ) -> None:
        self._engine, self._objective, self._neurons = engine, objective, neurons
        self._generator, self._discriminator = generator, discriminator
        like = neurons.slope
        members, pixels = len(like), generator.network.outputs
        self._z = like.new_empty(members, batch, latent_size)
        self._images = engine.images_of_step(like.new_empty(members, batch, pixels))
        self._real, self._fake, *_ = self._images.split(batch, 1)
        gates, self._gate_noise = generator.network.gates, None
        if gates is not None and neurons.noisy:
            self._gate_noise = like.new_empty(len(neurons.noisy), batch, gates.blocks)
        noise = like.new_empty(len(neurons.noisy), batch, pixels)
        epsilon, loss = like.new_empty(members, batch, 1), like.new_empty(members)
        self._like = {"noise": noise, "epsilon": epsilon, "critic_loss": loss, "generator_loss": loss}
        self._slots: dict[str, list[Tensor | None]] = {name: [None] for name in self._like}
        self._recorded_steps: int | None = None
        """Critic steps of an iteration that is recorded whole, by `_run_whole`."""
        self._run_forward: Step = self._forward
        self._run_critic: Step = self._critic
        self._run_generator: Step = self._generate

    def __call__(self, real: Tensor, draws: Draws, critic_steps: int) -> tuple[Tensor, Tensor]:
        """K critic steps and a generator step on images `real` (M, B, P).

        Returns:
            Losses before each update: the critic's (K, M), the generator's (M,).
        """
        self._real.copy_(real)
        self._z.copy_(draws.latent())
        if self._gate_noise is not None:
            self._gate_noise.copy_(draws.gate_noise())
        if critic_steps == self._recorded_steps:
            for slot in range(critic_steps):
                self._draw(draws, slot)
            self._draw_noise(draws, critic_steps)
            self._run_whole()
            losses = [self._get("critic_loss", slot).clone() for slot in range(critic_steps)]
            return torch.stack(losses), self._get("generator_loss").clone()
        self._run_forward()
        losses = []
        for _ in range(critic_steps):
            self._draw(draws, 0)
            self._run_critic()
            losses.append(self._get("critic_loss").clone())
        self._draw_noise(draws, 0)
        self._run_generator()
        return torch.stack(losses), self._get("generator_loss").clone()

    def record(self, recorder: Recorder, critic_steps: int) -> None:
        """Replay recorded pieces from now on.

        An iteration of the configured number of critic steps is recorded whole. For any other number, as during
        warm-up, its forward pass, critic step and generator step are recorded each by itself. What is recorded reads
        and writes buffers of its own.
        """
        counts = {"noise": critic_steps + 1, "epsilon": critic_steps, "critic_loss": critic_steps, "generator_loss": 1}
        self._slots = {n: [torch.zeros_like(self._like[n]) for _ in range(count)] for n, count in counts.items()}
        self._recorded_steps = critic_steps

        def whole() -> None:
            self._forward()
            for slot in range(critic_steps):
                self._critic(slot)
            self._generate(critic_steps)

        pieces = self._forward, self._critic, self._generate
        self._run_forward, self._run_critic, self._run_generator = (recorder(piece) for piece in pieces)
        self._run_whole = recorder(whole)

    def _forward(self) -> None:
        gate = Gate.of(self._generator.network, self._neurons, self._gate_noise)
        self._a = self._engine.generate(self._generator.operands, self._z, gate)
        self._added = None if gate is None else gate.loss()
        self._p = self._neurons.preactivated(self._a)
        if not self._neurons.noisy:
            self._fake.copy_(self._neurons.output(self._a, self._p, None))

    def _critic(self, slot: int = 0) -> None:
        if self._neurons.noisy:
            self._fake.copy_(self._neurons.output(self._a, self._p, self._get("noise", slot)))
        epsilon = self._get("epsilon", slot) if self._objective.interpolates else None
        loss = critic_step(self._engine, self._objective, self._discriminator, self._images, epsilon)
        self._put("critic_loss", slot, loss)

    def _generate(self, slot: int = 0) -> None:
        noise = self._get("noise", slot) if self._neurons.noisy else None
        sides = self._generator, self._discriminator
        self._put("generator_loss", 0, generator_step(self._engine, *sides, self._a, self._neurons, noise, self._added))

    def _draw(self, draws: Draws, slot: int) -> None:
        """The random numbers of the critic step of that slot."""
        self._draw_noise(draws, slot)
        if self._objective.interpolates:
            self._put("epsilon", slot, draws.epsilon())

    def _draw_noise(self, draws: Draws, slot: int) -> None:
        if self._neurons.noisy:
            self._put("noise", slot, draws.noise())

    def _put(self, name: str, slot: int, value: Tensor) -> None:
        """Keep a value; recorded pieces read and write one and the same tensor each time."""
        if self._recorded_steps is None:
            self._slots[name][slot] = value
        else:
            self._get(name, slot).copy_(value)

    def _get(self, name: str, slot: int = 0) -> Tensor:
        value = self._slots[name][slot]
        assert value is not None
        return value
