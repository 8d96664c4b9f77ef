"""An engine for bfloat16 on a CPU: dense networks whose values stay in bfloat16 between products.

Each of its three parts stands in where it supports the case: the discriminator's gradients, the generator with its
gradients, and an Adam that keeps the weights' copies in bfloat16. The rest is the analytic engine's or the reference's.
"""

import torch
from torch import Tensor

from binarygan.fast.analytic.engine import Analytic
from binarygan.fast.bf16_cpu.adam import RoundingAdam
from binarygan.fast.bf16_cpu.discriminator import RoundedDiscriminator
from binarygan.fast.bf16_cpu.generator import RoundedGenerator
from binarygan.model.networks import Network, Parameters
from binarygan.model.objectives import Objective
from binarygan.training.engines import Case
from binarygan.training.optimizers import Adam, Optimizer
from binarygan.training.step import Reference


class Bf16Cpu(Reference):
    """Float32 parameters, products in bfloat16, on a CPU."""

    name = "bf16_cpu"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._rest = (Analytic if Analytic.supports(case) else Reference)(case)
        rounded = RoundedDiscriminator.supports(case.discriminator, case.objective)
        self._discriminator = RoundedDiscriminator(case.discriminator, case.objective) if rounded else None
        self.images_dtype = torch.bfloat16 if rounded else case.dtype
        if RoundedGenerator.supports(case.generator):
            self.generate = RoundedGenerator(case.generator)  # type: ignore[method-assign]

    @staticmethod
    def supports(case: Case) -> bool:
        """Whether one of its parts does."""
        in_bfloat16 = torch.bfloat16 in (case.generator.operands, case.discriminator.operands)
        if not in_bfloat16 or case.device.type != "cpu" or case.dtype is not torch.float32:
            return False
        return (
            RoundedDiscriminator.supports(case.discriminator, case.objective)
            or RoundedGenerator.supports(case.generator)
            or any(_keeps_copies(case, network) for network in (case.generator, case.discriminator))
        )

    def critic_gradients(
        self, parameters: Parameters, images: Tensor, epsilon: Tensor | None
    ) -> tuple[Tensor, list[Tensor]]:
        return (self._discriminator or self._rest).critic_gradients(parameters, images, epsilon)

    def generator_gradients(self, parameters: Parameters, fake: Tensor) -> tuple[Tensor, Tensor]:
        return (self._discriminator or self._rest).generator_gradients(parameters, fake)

    def optimizer(self, network: Network, parameters: Parameters) -> Optimizer:
        kind = self._case.optimizer
        if not _keeps_copies(self._case, network):
            return super().optimizer(network, parameters)
        assert isinstance(kind, Adam)
        copied = [name in network.products_in_bfloat16() for name in parameters]
        betas = (kind.beta1, kind.beta2)
        return RoundingAdam(list(parameters.values()), copied, lr=self._case.learning_rate, betas=betas)


def _keeps_copies(case: Case, network: Network) -> bool:
    """Whether Adam updates the network, some of whose weights are multiplied in bfloat16 and changed by nothing else.

    An objective that constrains the discriminator's parameters changes them in place, which a copy would not follow.
    """
    constrained = network is case.discriminator and type(case.objective).constrain is not Objective.constrain
    return (
        type(case.optimizer) is Adam
        and type(network) is Network
        and not constrained
        and bool(network.products_in_bfloat16())
    )
