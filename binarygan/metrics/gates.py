"""How much of a generator its gates leave out: functions of their outputs for many z."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from binarygan.metrics.measured import Measured
from binarygan.metrics.names import OF_GATES, metric
from binarygan.model.architectures import LayerStack

if TYPE_CHECKING:
    from torch import Tensor

_metric = partial(metric, better="target", of="gates", light=True)


@dataclass(frozen=True, eq=False)
class GateOutputs(Measured):
    """Outputs of gates.

    Args:
        outputs: (N, gates), 0 or 1.
        generator: the layers that they belong to.
    """

    outputs: Tensor
    generator: LayerStack


def of_gates(measured: GateOutputs) -> dict[str, float]:
    """All metrics of gates."""
    return {m.name: m.measure(measured) for m in OF_GATES}


def rates(gates: GateOutputs) -> Tensor:
    """How often each gate is on: (gates,)."""
    return gates.outputs.double().mean(0)


@_metric("active_share", "blocks on", "share of a gated generator's blocks that are on for an image", most=1)
def active_share(gates: GateOutputs) -> float:
    return float(gates.of(rates).mean())


@_metric("blocks_always_on", "always on", "blocks that are on for all images", counted=True)
def always_on(gates: GateOutputs) -> float:
    return float((gates.of(rates) == 1).sum())


@_metric("blocks_never_on", "never on", "blocks that are on for no image", counted=True)
def never_on(gates: GateOutputs) -> float:
    return float((gates.of(rates) == 0).sum())


@_metric(
    "products_saved",
    "products saved",
    "share of G's multiply-adds that blocks save, less the gates' own",
    most=1,
    least=-1,
)
def products_saved(gates: GateOutputs) -> float:
    """What is off saves its part of its own layer and of the next one, which multiplies it by nothing but 0."""
    products, cost = gates.generator.products()
    number = next(n for n, layer in enumerate(gates.generator.layers) if layer.gates is not None)
    off = 1 - float(gates.of(rates).mean())
    return (off * sum(products[number : number + 2]) - cost) / sum(products)
