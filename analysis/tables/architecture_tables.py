"""The paper's Tables 1 to 4, made from the networks themselves: what is trained here is what is counted."""

from collections import Counter
from dataclasses import dataclass
from math import prod

import pandas as pd

from analysis import labels
from binarygan.model.architectures import Architecture
from binarygan.paper import paper_config

NETWORKS = (("mlp", "generator"), ("mlp", "discriminator"), ("cnn", "generator"), ("cnn", "discriminator"))
"""In the order of the paper's tables."""
PAPERS_COUNTS = {"mlp": "0.53M", "cnn": "1.4M"}
"""What the paper's sentence says."""
COLUMNS = ["layer", "kernel", "stride", "output shape", "norm", "activation", "parameters"]


@dataclass(frozen=True)
class ArchitectureTable:
    """One of the paper's four tables."""

    name: str
    """`table-1` to `table-4`."""
    title: str
    rows: pd.DataFrame
    """`COLUMNS`: a row for the input, one a layer, one for a flattening between them, and the sum last. Texts, but for
    `parameters`; empty where a layer has no such thing. Shapes are height × width × channels, or features."""
    parameters: int
    """Trainable numbers: weights, biases, and scale and shift of each norm."""


def architecture_tables(fidelity: str = "as-described") -> tuple[ArchitectureTable, ...]:
    """Tables 1 to 4: the MLP's generator and discriminator, then the CNN's, of WGAN-GP (no norm in D).

    Both fidelities have the same counts: batch normalization and the affine map have a scale and a shift each.
    """
    tables = []
    for number, (architecture, role) in enumerate(NETWORKS, 1):
        network = _network(architecture, role, fidelity)
        title = f"{role.capitalize()} of the {architecture.upper()}"
        tables.append(ArchitectureTable(f"table-{number}", title, _rows(network, role), network.parameter_count()))
    return tuple(tables)


def parameter_counts(architecture: str) -> tuple[int, int]:
    """Trainable numbers of the generator and the discriminator.

    >>> parameter_counts("cnn")
    (216227, 313985)
    """
    of_generator, of_discriminator = (
        _network(architecture, role, "as-described").parameter_count() for role in ("generator", "discriminator")
    )
    return of_generator, of_discriminator


def counts_note() -> str:
    """The counts beside those of the paper's sentence, which has the two swapped."""
    parts = []
    for architecture in PAPERS_COUNTS:
        g, d = parameter_counts(architecture)
        parts.append(f"{architecture.upper()} {g + d:,} (G {g:,} + D {d:,})")
    return (
        f"Parameters: {parts[0]}, {parts[1]}. The paper's sentence gives {PAPERS_COUNTS['mlp']} for the MLP and "
        f"{PAPERS_COUNTS['cnn']} for the CNN: the two are swapped, as its own remark that the CNN has fewer shows."
    )


def _network(architecture: str, role: str, fidelity: str) -> Architecture:
    config = paper_config(
        fidelity=fidelity, objective="wgan-gp", architecture=architecture, data_digest="", train_images=60_000
    )
    return Architecture.of_generator(config) if role == "generator" else Architecture.of_discriminator(config)


def _rows(network: Architecture, role: str) -> pd.DataFrame:
    counts: Counter[int] = Counter()
    for name, shape in network.parameter_shapes().items():
        counts[int(name.split(".")[0])] += prod(shape)
    channels, size = network.channels, network.size
    flat = network.layers[0].kind == "dense"  # an MLP takes its input as features
    rows: list[dict[str, object]] = [
        {"layer": "input", "output shape": _shape(channels, size, flat=flat), "parameters": 0}
    ]
    for number, layer in enumerate(network.layers):
        if layer.kind == "dense" and not flat:
            flat = True
            rows.append({"layer": "flatten", "output shape": _shape(channels, size, flat=True), "parameters": 0})
        channels, size = layer.units or channels, layer.output_size(size)
        last = number == len(network.layers) - 1
        row: dict[str, object] = {
            "layer": layer.kind,
            "output shape": _shape(channels, size, flat=flat),
            "norm": labels.part("norm", layer.norm),
            "activation": "neuron" if last and role == "generator" else labels.part("activation", layer.activation),
            "parameters": counts[number],
        }
        if layer.kind != "dense":
            row |= {"kernel": f"{layer.kernel}×{layer.kernel}", "stride": str(layer.stride)}
        rows.append(row)
    rows.append({"layer": "sum", "parameters": network.parameter_count()})
    return pd.DataFrame([dict.fromkeys(COLUMNS, "") | row for row in rows])


def _shape(channels: int, size: int, *, flat: bool) -> str:
    return f"{channels * size * size}" if flat else f"{size}×{size}×{channels}"
