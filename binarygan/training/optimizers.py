"""Optimizers over a cohort's stacked parameters: each run's update is as if it were alone.

They call PyTorch's kernels directly: for a small network, what PyTorch's own optimizers do before the kernel takes as
long as the kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

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


class Optimizer(Protocol):
    """What updates a list of parameters; gradients and states are in its order."""

    operands: Sequence[Tensor]
    """What the network computes with: each parameter, or its copy in bfloat16. Gradients are with respect to these and
    of their types. `update` keeps the copies, and nobody else may write a parameter that has one."""

    def update(self, gradients: Sequence[Tensor]) -> None:
        """One step along these gradients."""

    def state(self) -> list[dict[str, Tensor]]:
        """What is kept of each parameter, by the names of `OptimizerKind.states`."""

    def load_state(self, states: Sequence[dict[str, Tensor]]) -> None:
        """Go on from `state()`.

        Raises:
            ValueError: parameters have counted different steps.
        """


class _Parameters:
    """Parameters as they lie in memory: contiguous, or contiguous once their matrices are transposed.

    The fused CPU kernel of Adam reads each tensor in the order of memory. It makes a contiguous copy of a gradient that
    is not contiguous, and does not read the copy (seen with torch 2.15). So the kernel is given the transposed view.
    """

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        self.asked = list(parameters)
        own = [p.detach() for p in self.asked]
        self._transposed = [not p.is_contiguous() for p in own]
        self.tensors = self.as_they_lie(own)
        if any(t.data_ptr() != p.data_ptr() for t, p in zip(self.tensors, own, strict=True)):
            raise ValueError("a parameter is neither contiguous nor transposed")

    def as_they_lie(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Tensors of the parameters' shapes, in the order of the parameters' memory."""
        return [(t.mT if flag else t).contiguous() for t, flag in zip(tensors, self._transposed, strict=True)]

    def named(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """The reverse, without a copy."""
        return [t.mT if flag else t for t, flag in zip(tensors, self._transposed, strict=True)]


class _Adam:
    """Adam as TensorFlow has it: epsilon is added to the root of the *uncorrected* second moment.

    w := w - lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon). At these losses some gradients are near
    epsilon, and the released code's traces are met only so.
    """

    def __init__(
        self, parameters: Iterable[Tensor], *, lr: float, betas: tuple[float, float], epsilon: float = 1e-8
    ) -> None:
        self._lr, self._betas, self._epsilon = lr, betas, epsilon
        self._parameters = _Parameters(parameters)
        self.operands: Sequence[Tensor] = self._parameters.asked
        tensors = self._parameters.tensors
        self._steps = torch.zeros((), device=tensors[0].device)
        self._means = [torch.zeros_like(t) for t in tensors]
        self._mean_squares = [torch.zeros_like(t) for t in tensors]

    def update(self, gradients: Sequence[Tensor]) -> None:
        given = self._parameters.as_they_lie(gradients)
        self._move(self._parameters.tensors, given, self._means, self._mean_squares, self._next_step())

    def _next_step(self) -> tuple[float | Tensor, float, Tensor]:
        self._steps += 1
        return self._kernel_arguments()

    def _move(
        self,
        own: list[Tensor],
        given: list[Tensor],
        means: list[Tensor],
        mean_squares: list[Tensor],
        arguments: tuple[float | Tensor, float, Tensor],
    ) -> None:
        """Call the kernel for these parameters; `arguments` as from `_next_step`."""
        rate, epsilon, steps = arguments
        torch._fused_adam_(
            own,
            given,
            means,
            mean_squares,
            [],
            [steps] * len(own),
            lr=rate,
            beta1=self._betas[0],
            beta2=self._betas[1],
            weight_decay=0.0,
            eps=epsilon,
            amsgrad=False,
            maximize=False,
        )

    def state(self) -> list[dict[str, Tensor]]:
        kept = zip(*(self._parameters.named(own) for own in (self._means, self._mean_squares)), strict=True)
        return [dict(zip(Adam.states, (self._steps.clone(), *own), strict=True)) for own in kept]

    def load_state(self, states: Sequence[dict[str, Tensor]]) -> None:
        if len({float(s[STEP]) for s in states}) != 1:
            raise ValueError("its parameters count different steps")
        self._steps.copy_(states[0][STEP])
        for kept, name in ((self._means, "exp_avg"), (self._mean_squares, "exp_avg_sq")):
            for own, value in zip(self._parameters.named(kept), states, strict=True):
                own.copy_(value[name])

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


class TensorFlowRMSprop:
    """RMSProp as TensorFlow 1 has it: the mean square starts at 1, epsilon stands inside the root.

    ms := decay ms + (1 - decay) g²;  w := w - lr g / sqrt(ms + epsilon).
    torch.optim.RMSprop starts at 0 with epsilon outside, so that its first steps are about three times longer.
    """

    def __init__(self, parameters: Iterable[Tensor], *, lr: float, decay: float, epsilon: float = 1e-8) -> None:
        self._lr, self._decay, self._epsilon = lr, decay, epsilon
        self._parameters = _Parameters(parameters)
        self.operands: Sequence[Tensor] = self._parameters.asked
        self._mean_squares = [torch.ones_like(t) for t in self._parameters.tensors]

    def update(self, gradients: Sequence[Tensor]) -> None:
        given = self._parameters.as_they_lie(gradients)
        torch._foreach_mul_(self._mean_squares, self._decay)
        torch._foreach_addcmul_(self._mean_squares, given, given, 1 - self._decay)
        roots = torch._foreach_add(self._mean_squares, self._epsilon)
        torch._foreach_sqrt_(roots)
        torch._foreach_addcdiv_(self._parameters.tensors, given, roots, -self._lr)

    def state(self) -> list[dict[str, Tensor]]:
        return [{"mean_square": own} for own in self._parameters.named(self._mean_squares)]

    def load_state(self, states: Sequence[dict[str, Tensor]]) -> None:
        for own, value in zip(self._parameters.named(self._mean_squares), states, strict=True):
            own.copy_(value["mean_square"])
