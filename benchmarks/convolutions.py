"""Convolutions with groups for members and as products of columns: `python benchmarks/convolutions.py`.

Of the discriminator one critic step's work on each (forward, transposed, weight's gradient), of the generator forward
and backward of its transposed ones. The engine takes columns on a GPU (`binarygan/columns.py`).
"""

import argparse
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from binarygan.architectures import Architecture, Layer
from binarygan.columns import transposed_convolution
from binarygan.config import paper_config
from binarygan.linear_maps import ColumnConvolution, GroupedConvolution, LinearMap
from binarygan.products import operands_of, set_arithmetic

BATCH = 64
EXAMPLES = 3 * BATCH  # real, fake and mixed images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--dtype", choices=("float32", "tf32", "bfloat16"), default="float32")
    parser.add_argument("--members", nargs="+", type=int, default=[1, 4])
    parser.add_argument("--times", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device(arguments.device)
    config = paper_config(
        fidelity="as-described",
        objective="wgan-gp",
        architecture="cnn",
        dtype=arguments.dtype,
        data_digest="-",
        train_images=64,
    )
    set_arithmetic(config)
    for architecture in (Architecture.of_discriminator(config), Architecture.of_generator(config)):
        channels, size = architecture.channels, architecture.size
        for layer in architecture.layers:
            ways = {"conv": of_discriminator, "transconv": of_generator}.get(layer.kind)
            for members in arguments.members if ways else []:
                steps = ways(layer, channels, size, members, operands_of(config), device)
                found = {name: milliseconds(step, device, arguments.times) for name, step in steps.items()}
                print(
                    f"{layer.kind:9} {channels:3} to {layer.units:3} channels, {members:3} members: "
                    f"grouped {found['grouped']:8.2f} ms, columns {found['columns']:8.2f} ms",
                    flush=True,
                )
            channels, size = layer.units or channels, layer.output_size(size)


def of_discriminator(
    layer: Layer, channels: int, size: int, members: int, operands: torch.dtype | None, device: torch.device
) -> dict[str, Callable[[], None]]:
    """One critic step's work, each way."""
    weight = torch.randn(members, layer.units, channels, layer.kernel, layer.kernel, device=device)
    bias = torch.randn(members, layer.units, device=device)
    x = torch.randn(EXAMPLES, members * channels, size, size, device=device)

    def step(make: Callable[[], LinearMap]) -> None:
        way = make()
        y = way.forward(x, bias)
        way.transposed(y)
        way.gradient(y)

    return {
        "grouped": lambda: step(lambda: GroupedConvolution(layer, weight, operands)),
        "columns": lambda: step(lambda: ColumnConvolution(weight, operands)),
    }


def of_generator(
    layer: Layer, channels: int, size: int, members: int, operands: torch.dtype | None, device: torch.device
) -> dict[str, Callable[[], None]]:
    """Forward and backward, each way."""
    shape = (members, channels, layer.units, layer.kernel, layer.kernel)
    weight = torch.randn(shape, device=device, requires_grad=True)
    x = torch.randn(BATCH, members * channels, size, size, device=device, requires_grad=True)

    def grouped(x: Tensor, weight: Tensor) -> Tensor:
        cast, own = (t if operands is None else t.to(operands) for t in (x, weight.flatten(0, 1)))
        return F.conv_transpose2d(cast, own, stride=layer.stride, groups=members).float()

    def step(way: Callable[[Tensor, Tensor], Tensor]) -> None:
        y = way(x, weight)
        torch.autograd.grad(y, (x, weight), y.detach())

    return {
        "grouped": lambda: step(grouped),
        "columns": lambda: step(lambda x, weight: transposed_convolution(x, weight, layer.stride, operands)),
    }


def milliseconds(step: Callable[[], None], device: torch.device, times: int) -> float:
    """The median of so many."""
    step()
    seconds = []
    for _ in range(times):
        wait(device)
        start = time.perf_counter()
        step()
        wait(device)
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[times // 2] * 1e3


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
