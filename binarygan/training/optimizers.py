"""Optimizers over a cohort's stacked parameters: each run's update is as if it were alone.

They call PyTorch's kernels directly: for a small network, what PyTorch's own optimizers do before the kernel takes as
long as the kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from binarygan.lazy import torch
from binarygan.registry import Registry, parameter

if TYPE_CHECKING:
    from torch import Tensor

BEYOND_ALL_STEPS = 1e9
"""At which beta^t is 0 for every beta."""
STEP = "step"

OPTIMIZERS: Registry[type[OptimizerKind]] = Registry("optimizer")


@dataclass(frozen=True, kw_only=True)
class OptimizerKind:
    """An optimizer that a configuration can name, with its parameters."""

    revision: ClassVar[int] = 1
    """Raised whenever runs with this optimizer come to give other numbers."""
    states: ClassVar[tuple[str, ...]]
    """What it keeps of a parameter: a tensor of its shape each, but for the count of steps (`STEP`), one number."""

    def make(self, parameters: Sequence[Tensor], learning_rate: float) -> Optimizer:
        """The optimizer of these parameters; on a GPU its steps can be captured."""
        raise NotImplementedError


@OPTIMIZERS.named("adam")
@dataclass(frozen=True, kw_only=True)
class Adam(OptimizerKind):
    """Adam (arXiv 1412.6980) by TensorFlow's rule."""

    beta1: float = parameter("decay of the mean of gradients", default=0.5, least=0, most=1)
    beta2: float = parameter("decay of the mean of squared gradients", default=0.9, least=0, most=1)
    states = (STEP, "exp_avg", "exp_avg_sq")

    def make(self, parameters: Sequence[Tensor], learning_rate: float) -> Optimizer:
        kind = TensorFlowAdam if parameters[0].device.type == "cpu" else DeviceAdam
        return kind(parameters, lr=learning_rate, betas=(self.beta1, self.beta2))


@OPTIMIZERS.named("rmsprop")
@dataclass(frozen=True, kw_only=True)
class RmsProp(OptimizerKind):
    """RMSProp by TensorFlow 1's rule."""

    decay: float = parameter("decay of the mean square of gradients", default=0.9, least=0, most=1)
    states = ("mean_square",)

    def make(self, parameters: Sequence[Tensor], learning_rate: float) -> Optimizer:
        return TensorFlowRMSprop(parameters, lr=learning_rate, decay=self.decay)


class Optimizer:
    """What updates a list of parameters; gradients and states are in its order.

    Parameters, and what is kept of each, are here as they lie in memory: contiguous, or with their matrices transposed.
    The fused CPU kernel of Adam reads each tensor in the order of memory. It makes a contiguous copy of a gradient that
    is not contiguous, and does not read the copy (seen with torch 2.15). So the kernel is given the transposed view.

    Args:
        initial: what everything that is kept of a parameter begins as, by its name in `OptimizerKind.states`.
    """

    def __init__(self, parameters: Iterable[Tensor], initial: Mapping[str, float]) -> None:
        self.operands: Sequence[Tensor] = list(parameters)
        """What the network computes with: each parameter, or its copy in bfloat16. Gradients are with respect to these
        and of their types. `update` keeps the copies, and nobody else may write a parameter that has one."""
        own = [p.detach() for p in self.operands]
        self._transposed = [not p.is_contiguous() for p in own]
        self._own = self._as_they_lie(own)
        if any(t.data_ptr() != p.data_ptr() for t, p in zip(self._own, own, strict=True)):
            raise ValueError("a parameter is neither contiguous nor transposed")
        self._kept = {name: [torch.full_like(t, value) for t in self._own] for name, value in initial.items()}

    def _as_they_lie(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Tensors of the parameters' shapes, in the order of the parameters' memory."""
        return [(t.mT if flag else t).contiguous() for t, flag in zip(tensors, self._transposed, strict=True)]

    def _named(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """The reverse, without a copy."""
        return [t.mT if flag else t for t, flag in zip(tensors, self._transposed, strict=True)]

    def update(self, gradients: Sequence[Tensor]) -> None:
        """One step along these gradients."""
        raise NotImplementedError

    def state(self) -> list[dict[str, Tensor]]:
        """What is kept of each parameter, by the names of `OptimizerKind.states`."""
        of_each = zip(*map(self._named, self._kept.values()), strict=True)
        return [dict(zip(self._kept, own, strict=True)) for own in of_each]

    def load_state(self, states: Sequence[dict[str, Tensor]]) -> None:
        """Go on from `state()`.

        Raises:
            ValueError: parameters have counted different steps.
        """
        for name, kept in self._kept.items():
            for own, value in zip(self._named(kept), states, strict=True):
                own.copy_(value[name])


class _Adam(Optimizer):
    """Adam as TensorFlow has it: epsilon is added to the root of the *uncorrected* second moment.

    w := w - lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon). At these losses some gradients are near
    epsilon, and the released code's traces are met only so.
    """

    def __init__(
        self, parameters: Iterable[Tensor], *, lr: float, betas: tuple[float, float], epsilon: float = 1e-8
    ) -> None:
        super().__init__(parameters, {"exp_avg": 0.0, "exp_avg_sq": 0.0})
        self._lr, self._betas, self._epsilon = lr, betas, epsilon
        self._steps = torch.zeros((), device=self._own[0].device)

    def update(self, gradients: Sequence[Tensor]) -> None:
        self._steps += 1
        rate, epsilon, steps = self._kernel_arguments()
        torch._fused_adam_(
            self._own,
            self._as_they_lie(gradients),
            self._kept["exp_avg"],
            self._kept["exp_avg_sq"],
            [],
            [steps] * len(self._own),
            lr=rate,
            beta1=self._betas[0],
            beta2=self._betas[1],
            weight_decay=0.0,
            eps=epsilon,
            amsgrad=False,
            maximize=False,
        )

    def state(self) -> list[dict[str, Tensor]]:
        return [{STEP: self._steps.clone(), **own} for own in super().state()]

    def load_state(self, states: Sequence[dict[str, Tensor]]) -> None:
        if len({float(s[STEP]) for s in states}) != 1:
            raise ValueError("its parameters count different steps")
        self._steps.copy_(states[0][STEP])
        super().load_state(states)

    def _kernel_arguments(self) -> tuple[float | Tensor, float, Tensor]:
        """The learning rate, epsilon and steps with which PyTorch's kernel computes TensorFlow's rule."""
        raise NotImplementedError


class TensorFlowAdam(_Adam):
    """With the count of steps on the host: PyTorch's rule with epsilon / sqrt(1 - beta2^t) for epsilon is the same."""

    _count: int | None = None

    def _kernel_arguments(self) -> tuple[float, float, Tensor]:
        self._count = int(self._steps) if self._count is None else self._count + 1
        return self._lr, self._epsilon / (1 - self._betas[1] ** self._count) ** 0.5, self._steps

    def load_state(self, states: Sequence[dict[str, Tensor]]) -> None:
        super().load_state(states)
        self._count = None


class DeviceAdam(_Adam):
    """With the count of steps on the device, so that a captured step can be replayed.

    The kernel gets a step so large that its own bias corrections are 1, and reads the learning rate
    lr sqrt(1 - beta2^t) / (1 - beta1^t) from the device. The state is TensorFlowAdam's: each goes on from the
    other's.
    """

    def _kernel_arguments(self) -> tuple[Tensor, float, Tensor]:
        beta1, beta2 = self._betas
        t = self._steps.double()
        rate = self._lr * torch.sqrt(1 - beta2**t) / (1 - beta1**t)
        return rate.float(), self._epsilon, torch.full_like(self._steps, BEYOND_ALL_STEPS)


class TensorFlowRMSprop(Optimizer):
    """RMSProp as TensorFlow 1 has it: the mean square starts at 1, epsilon stands inside the root.

    ms := decay ms + (1 - decay) g²;  w := w - lr g / sqrt(ms + epsilon).
    torch.optim.RMSprop starts at 0 with epsilon outside, so that its first steps are about three times longer.
    """

    def __init__(self, parameters: Iterable[Tensor], *, lr: float, decay: float, epsilon: float = 1e-8) -> None:
        super().__init__(parameters, {"mean_square": 1.0})
        self._lr, self._decay, self._epsilon = lr, decay, epsilon

    def update(self, gradients: Sequence[Tensor]) -> None:
        given, mean_squares = self._as_they_lie(gradients), self._kept["mean_square"]
        torch._foreach_mul_(mean_squares, self._decay)
        torch._foreach_addcmul_(mean_squares, given, given, 1 - self._decay)
        roots = torch._foreach_add(mean_squares, self._epsilon)
        torch._foreach_sqrt_(roots)
        torch._foreach_addcdiv_(self._own, given, roots, -self._lr)
