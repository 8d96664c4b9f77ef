"""Optimizers over a cohort's stacked parameters: each member's update is as if it were alone."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from binarygan.config import MemberConfig

BEYOND_ALL_STEPS = 1e9
"""At which beta^t is 0 for every beta."""
STEP = "step"
STATES = {"adam": (STEP, "exp_avg", "exp_avg_sq"), "rmsprop": ("mean_square",)}
"""What each optimizer keeps of a parameter: a tensor of its shape each, but for the count of steps, one number."""


class _Adam(torch.optim.Optimizer):
    """Adam as TensorFlow has it: epsilon is added to the root of the *uncorrected* second moment.

    w := w - lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon). At these losses some gradients are near
    epsilon, and the released code's traces are met only so. PyTorch's kernel is called itself: what `torch.optim.Adam`
    does before that takes as long as the kernel does for a small network.
    """

    def __init__(
        self, params: Iterable[Tensor], *, lr: float, betas: tuple[float, float], epsilon: float = 1e-8
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "epsilon": epsilon})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient; gradients must be contiguous.

        (The fused CPU kernel reads a transposed gradient in the wrong order: seen with torch 2.15.)
        """
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            states = [self.state[p] for p in params]
            for p, state in zip(params, states, strict=True):
                if not state:
                    state[STEP] = torch.zeros((), device=p.device)
                    state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(p), torch.zeros_like(p)
            steps = [s[STEP] for s in states]
            torch._foreach_add_(steps, 1.0)
            rate, epsilon, told = self._told(steps, group)
            torch._fused_adam_(
                params,
                [p.grad for p in params],
                [s["exp_avg"] for s in states],
                [s["exp_avg_sq"] for s in states],
                [],
                told,
                lr=rate,
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                weight_decay=0.0,
                eps=epsilon,
                amsgrad=False,
                maximize=False,
            )

    def _told(self, steps: list[Tensor], group: dict[str, Any]) -> tuple[Any, float, list[Tensor]]:
        """What the kernel, which has PyTorch's rule, is told so that it does TensorFlow's: lr, epsilon, steps."""
        raise NotImplementedError


class TensorFlowAdam(_Adam):
    """With the count of steps on the host: PyTorch's rule with epsilon / sqrt(1 - beta2^t) for epsilon is the same."""

    _steps: int | None = None

    def _told(self, steps: list[Tensor], group: dict[str, Any]) -> tuple[Any, float, list[Tensor]]:
        self._steps = int(steps[0]) if self._steps is None else self._steps + 1
        return group["lr"], group["epsilon"] / (1 - group["betas"][1] ** self._steps) ** 0.5, steps


class DeviceAdam(_Adam):
    """With the count of steps on the device, so that a captured step can be replayed.

    The kernel's own bias corrections are 1 (it is told of a step beyond all); the learning rate that it reads from the
    device is lr sqrt(1 - beta2^t) / (1 - beta1^t). The state is TensorFlowAdam's: either goes on from the other's.
    """

    def _told(self, steps: list[Tensor], group: dict[str, Any]) -> tuple[Any, float, list[Tensor]]:
        beta1, beta2 = group["betas"]
        t = steps[0].double()
        rate = group["lr"] * torch.sqrt(1 - beta2**t) / (1 - beta1**t)
        return rate.float(), group["epsilon"], [torch.full_like(steps[0], BEYOND_ALL_STEPS)] * len(steps)


class TensorFlowRMSprop(torch.optim.Optimizer):
    """RMSProp as TensorFlow 1 has it: the mean square starts at 1, epsilon stands inside the root.

    ms := decay ms + (1 - decay) g²;  w := w - lr g / sqrt(ms + epsilon).
    torch.optim.RMSprop starts at 0 with epsilon outside, so that its first steps are about three times longer.
    """

    def __init__(self, params: Iterable[Tensor], *, lr: float, decay: float, epsilon: float = 1e-8) -> None:
        super().__init__(params, {"lr": lr, "decay": decay, "epsilon": epsilon})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            for p in params:
                if not self.state[p]:
                    self.state[p]["mean_square"] = torch.ones_like(p)
            squares = [self.state[p]["mean_square"] for p in params]
            grads = [p.grad for p in params]
            torch._foreach_mul_(squares, group["decay"])
            torch._foreach_addcmul_(squares, grads, grads, 1 - group["decay"])
            roots = torch._foreach_add(squares, group["epsilon"])
            torch._foreach_sqrt_(roots)
            torch._foreach_addcdiv_(params, grads, roots, -group["lr"])


def make_optimizer(config: MemberConfig, params: Iterable[Tensor]) -> torch.optim.Optimizer:
    """The optimizer that `config` names, over `params`; on a GPU one whose steps can be captured."""
    tensors = list(params)
    if config.optimizer == "adam":
        assert config.beta1 is not None
        assert config.beta2 is not None
        rule = TensorFlowAdam if tensors[0].device.type == "cpu" else DeviceAdam
        return rule(tensors, lr=config.learning_rate, betas=(config.beta1, config.beta2))
    assert config.decay is not None
    return TensorFlowRMSprop(tensors, lr=config.learning_rate, decay=config.decay)
