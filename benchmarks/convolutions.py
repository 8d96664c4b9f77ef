"""The discriminator's convolutions, grouped and as products of columns: `python benchmarks/convolutions.py`.

One critic step's work on a convolution (forward, transposed, weight's gradient) for a cohort; the engine takes columns
for one channel (`binarygan/convolutions.py`).
"""

import argparse
import time

import torch
from binarygan.fast.analytic.convolutions import ColumnConvolution, GroupedConvolution

from binarygan.arithmetic.products import operands_of, set_arithmetic
from binarygan.model.architectures import Architecture, Layer
from binarygan.paper import paper_config

EXAMPLES = 192  # real, fake and mixed images


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
    architecture = Architecture.of_discriminator(config)
    channels, size = architecture.channels, architecture.size
    for layer in architecture.layers:
        if layer.kind == "conv":
            for members in arguments.members:
                compare(layer, channels, size, members, operands_of(config), device, arguments.times)
        channels, size = layer.units or channels, layer.output_size(size)


def compare(
    layer: Layer,
    channels: int,
    size: int,
    members: int,
    operands: torch.dtype | None,
    device: torch.device,
    times: int,
) -> None:
    """Print one line."""
    weight = torch.randn(members, layer.units, channels, layer.kernel, layer.kernel, device=device)
    bias = torch.randn(members, layer.units, device=device)
    x = torch.randn(EXAMPLES, members * channels, size, size, device=device)
    found = {}
    for name, make in (
        ("grouped", lambda: GroupedConvolution(layer, weight, operands)),
        ("columns", lambda: ColumnConvolution(weight, operands)),
    ):

        def step() -> None:
            way = make()  # noqa: B023
            y = way.forward(x, bias)
            way.transposed(y)
            way.gradient(y)

        step()
        seconds = []
        for _ in range(times):
            wait(device)
            start = time.perf_counter()
            step()
            wait(device)
            seconds.append(time.perf_counter() - start)
        found[name] = sorted(seconds)[times // 2] * 1e3
    print(
        f"{channels:3} to {layer.units} channels, {members:3} members: grouped {found['grouped']:8.2f} ms, "
        f"columns {found['columns']:8.2f} ms",
        flush=True,
    )


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
