"""A convolution of one channel with the 2 x 2 pooling and the leaky ReLU that follow it.

Its maps are large (32 channels of 26 x 26) and its products small, so passes over memory take most of its time.
A pooled pixel depends on a window of (k + 1) x (k + 1) pixels, within which the kernel stands at four offsets. Four
products of the same windows give the four values that are pooled: no map is put together or spread out.

Shapes: M runs, N examples, S = s * s pixels after pooling, window W = (k + 1)², C units. Values are (M, N * S, C).
"""

from functools import lru_cache, reduce

import torch
import torch.nn.functional as F
from torch import Tensor

from binarygan.arithmetic.products import multiply, multiply_long, operand, product, result
from binarygan.fast.analytic.stages import interpolate_, times_leak
from binarygan.model.activations import LEAK
from binarygan.model.architectures import IMAGE_SIZE, PIXELS, Layer
from binarygan.model.networks import Parameters

OFFSETS = ((0, 0), (0, 1), (1, 0), (1, 1))
"""Of the kernel within a window, in the order in which pooling compares them: of equal values it takes the first."""


class PooledStage:
    """The stage of such a layer. In bfloat16 its values stay in bfloat16 until they are pooled."""

    def __init__(self, layer: Layer, own: Parameters, operands: torch.dtype | None) -> None:
        weight, self._bias = own["weight"], own["bias"]
        self.members, units, _, self._kernel, _ = weight.shape
        self._size = (IMAGE_SIZE - self._kernel + 1) // 2
        self._window = self._kernel + 1
        shifted = weight.new_zeros(len(OFFSETS), self.members, self._window, self._window, units)
        for kernel in self._kernels_in(shifted):
            kernel.copy_(weight[:, :, 0].permute(0, 2, 3, 1))
        self._operands = operands
        self._weights = operand(shifted.flatten(2, 3), operands)  # (4, M, W, C)

    @staticmethod
    def serves(layer: Layer, pool: Layer | None, channels: int) -> bool:
        """Whether `layer` is such a convolution, and pooling divides its maps without a remainder."""
        if layer.kind != "conv" or channels != 1:
            return False
        even = (IMAGE_SIZE - layer.kernel + 1) % 2 == 0
        return layer.stride == 1 and pool is not None and pool.kernel == pool.stride == 2 and even

    def forward(self, x: Tensor, epsilon: Tensor | None) -> Tensor:
        if epsilon is not None:
            interpolate_(x, epsilon)
        self._windows = operand(self._by_pixel(self._windows_of(x)), self._operands)
        first, second, third, fourth = (product(self._windows, w) for w in self._weights)
        above, below = torch.maximum(first, second), torch.maximum(third, fourth)
        y = result(torch.maximum(above, below)).add_(self._bias.unsqueeze(1))
        # 1 where the second of two values was taken: right of left above, right of left below, below of above
        self._right_above, self._right_below, self._low = second.gt_(first), fourth.gt_(third), below.gt_(above)
        self._activated = F.leaky_relu(y, LEAK)
        return self._as_maps(self._activated)

    def backward(self, grad_activated: Tensor) -> None:
        d = self._as_values(grad_activated)
        self._grad_pooled = times_leak(d, self._activated)
        d = operand(self._grad_pooled, self._operands)
        low = d * self._low
        high = d - low
        fourth, second = low * self._right_below, high * self._right_above
        self._grad_by_offset = (high.sub_(second), second, low.sub_(fourth), fourth)

    def grad_x(self, examples: slice) -> Tensor:
        """The gradient with respect to these examples of the images, (M, n, 784)."""
        each_offset = zip(self._grad_by_offset, self._weights, strict=True)
        windows = reduce(torch.add, (multiply(self._of(d, examples), weight.mT) for d, weight in each_offset))
        each = windows.view(-1, self._size**2, self._window**2).mT
        return F.fold(each, IMAGE_SIZE, self._window, stride=2).view(self.members, -1, PIXELS)

    def replace_interpolated(self, tangent: Tensor, own: int) -> Tensor:
        interpolated = slice(own, None)
        windows = self._of(self._windows, interpolated)
        windows.copy_(self._by_pixel(self._windows_of(tangent)))
        first, second, third, fourth = (product(windows, w) for w in self._weights)
        above = torch.lerp(first, second, self._of(self._right_above, interpolated))
        below = torch.lerp(third, fourth, self._of(self._right_below, interpolated))
        t = result(torch.lerp(above, below, self._of(self._low, interpolated)))
        return self._as_maps(times_leak(t, self._of(self._activated, interpolated)))

    def gradients(self, own: int) -> list[Tensor]:
        transposed = self._windows.mT
        if transposed.device.type == "cpu":
            transposed = transposed.contiguous()  # once for all four
        each = torch.stack([multiply_long(transposed, d) for d in self._grad_by_offset])
        by_offset = each.unflatten(2, (self._window, self._window))
        weight = reduce(torch.add, self._kernels_in(by_offset)).permute(0, 3, 1, 2).unsqueeze(2)
        return [weight, self._of(self._grad_pooled, slice(own)).sum(1)]

    def _kernels_in(self, windows: Tensor) -> list[Tensor]:
        """The kernel's part (M, k, k, C) of the windows (4, M, k + 1, k + 1, C) of each offset."""
        k = self._kernel
        return [w[:, y : y + k, x : x + k] for w, (y, x) in zip(windows, OFFSETS, strict=True)]

    def _windows_of(self, images: Tensor) -> Tensor:
        """(M, N, S * W) of images (M, N, 784)."""
        members, examples, _ = images.shape
        windows = images.flatten(0, 1).index_select(1, _pixels_of_windows(self._kernel, images.device))
        return windows.view(members, examples, -1)

    def _by_pixel(self, windows: Tensor) -> Tensor:
        return windows.view(len(windows), -1, self._window**2)

    def _of(self, values: Tensor, examples: slice) -> Tensor:
        """These examples' part of values (M, N * S, …)."""
        pixels = self._size**2
        first, last = (None if i is None else i * pixels for i in (examples.start, examples.stop))
        return values[:, first:last]

    def _as_maps(self, values: Tensor) -> Tensor:
        """(N, M * C, s, s), channels last."""
        maps = values.view(self.members, -1, self._size, self._size, values.shape[2]).permute(1, 2, 3, 0, 4)
        return maps.flatten(3).permute(0, 3, 1, 2)

    def _as_values(self, maps: Tensor) -> Tensor:
        return maps.unflatten(1, (self.members, -1)).permute(1, 0, 3, 4, 2).flatten(1, 3)


@lru_cache
def _pixels_of_windows(kernel: int, device: torch.device) -> Tensor:
    """The image's pixel at each pixel of each window: (S * W,)."""
    pixels = torch.arange(PIXELS).view(IMAGE_SIZE, IMAGE_SIZE)
    return pixels.unfold(0, kernel + 1, 2).unfold(1, kernel + 1, 2).flatten().to(device)
