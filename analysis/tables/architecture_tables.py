"""The paper's Tables 1 to 4, made from the networks themselves: what is trained here is what is counted."""

from collections.abc import Sequence
from math import prod
from operator import itemgetter
from typing import Any

import numpy as np

from analysis.tables.entries import Entry, Table, column, count, tabled
from binarygan.model.architectures import LayerStack
from binarygan.paper import paper_config

NETWORKS = (("mlp", "generator"), ("mlp", "discriminator"), ("cnn", "generator"), ("cnn", "discriminator"))
"""In the order of the paper's tables."""
PAPERS_COUNTS = {"mlp": "0.53M", "cnn": "1.4M"}
"""What the paper's sentence says."""
TEXTS = ("layer", "kernel", "stride", "output shape", "norm", "activation")
COLUMNS = (
    *(column(name.replace(" ", "_"), name, of=itemgetter(name)) for name in TEXTS),
    column("parameters", "parameters", lambda counts: _counts(*counts)),
)


def architecture_tables(*fidelities: str) -> tuple[Table, ...]:
    """Tables 1 to 4: the MLP's generator and discriminator, then the CNN's, of WGAN-GP (no norm in D).

    A row for the input, one a layer, one for a flattening between them, and the sum last; empty where a layer has no
    such thing. Shapes are height × width × channels, or features. Parameters are trainable numbers: weights, biases,
    and scale and shift of each norm. The variants have the same but for their norms and these norms' parameters: of
    several all are given, in their order; where none is given it is the paper's text.
    """
    shown = fidelities or ("as-described",)
    notes = (f"Norms are those of {' / '.join(shown)}.",) if len(fidelities) != 1 else ()
    tables = []
    for number, (architecture, role) in enumerate(NETWORKS, 1):
        networks = [_network(architecture, role, fidelity) for fidelity in shown]
        title = f"Table {number}: {role.capitalize()} of the {architecture.upper()}"
        tables.append(tabled(f"table-{number}", title, COLUMNS, _rows(networks, role), notes))
    return tuple(tables)


def parameter_counts(architecture: str) -> tuple[int, int]:
    """Trainable numbers of the generator and the discriminator of the released code.

    >>> parameter_counts("cnn")
    (216227, 313985)
    """
    g, d = (_network(architecture, role, "as-released").parameter_count() for role in ("generator", "discriminator"))
    return g, d


def counts_note() -> str:
    """The released code's counts beside those of the paper's sentence, which has the two swapped."""
    parts = []
    for architecture in PAPERS_COUNTS:
        g, d = parameter_counts(architecture)
        parts.append(f"{architecture.upper()} {g + d:,} (G {g:,} + D {d:,})")
    return (
        f"Parameters of the released code: {parts[0]}, {parts[1]}. The paper's sentence gives {PAPERS_COUNTS['mlp']} "
        f"for the MLP and {PAPERS_COUNTS['cnn']} for the CNN: the two are swapped, as its own remark that the CNN has "
        "fewer shows."
    )


def _network(architecture: str, role: str, fidelity: str) -> LayerStack:
    config = paper_config(
        fidelity=fidelity, objective="wgan-gp", architecture=architecture, data_digest="", train_images=60_000
    )
    return config.generator_layers() if role == "generator" else config.discriminator_layers()


def _rows(networks: Sequence[LayerStack], role: str) -> list[dict[str, Any]]:
    """Of networks that differ in their norms alone."""
    network = networks[0]
    counts = np.zeros((len(networks), len(network.layers)), int)
    for other, own in zip(networks, counts, strict=True):
        for name, shape in other.parameter_shapes().items():
            own[int(name.split(".")[0])] += prod(shape)
    channels, size = network.channels, network.size
    flat = network.layers[0].takes_rows  # an MLP takes its input as features
    rows: list[dict[str, Any]]
    rows = [{"layer": "input", "output shape": _shape(channels, size, flat=flat), "parameters": [0]}]
    for number, layer in enumerate(network.layers):
        if layer.takes_rows and not flat:
            flat = True
            rows.append({"layer": "flatten", "output shape": _shape(channels, size, flat=True), "parameters": [0]})
        channels, size = layer.units or channels, layer.output_size(size)
        last = number == len(network.layers) - 1
        row = {
            "layer": layer.kind,
            "output shape": _shape(channels, size, flat=flat),
            "norm": " / ".join(dict.fromkeys(other.layers[number].norm.label for other in networks)),
            "activation": "neuron" if last and role == "generator" else layer.function.label,
            "parameters": counts[:, number].tolist(),
        }
        if not layer.takes_rows:
            row |= {"kernel": f"{layer.kernel}×{layer.kernel}", "stride": str(layer.stride)}
        rows.append(row)
    rows.append({"layer": "sum", "parameters": [other.parameter_count() for other in networks]})
    return [dict.fromkeys(TEXTS, "") | row for row in rows]


def _counts(first: int, *others: int) -> Entry:
    """Of each variant, or the one that all have."""
    different = list(dict.fromkeys((first, *others)))
    text = " / ".join(f"{n:,}" for n in different)
    return count(first) if len(different) == 1 else Entry(text, first, {"": text})


def _shape(channels: int, size: int, *, flat: bool) -> str:
    return f"{channels * size * size}" if flat else f"{size}×{size}×{channels}"
