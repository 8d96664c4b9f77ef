"""One member's generator in one safetensors file that needs nothing else.

Tensors, without a member axis: the parameters (`0.weight`, …) and of each batch-normalized layer the statistics of its
input over 10,000 z, `<layer>.mean` and `<layer>.variance`. A gated layer has `<layer>.gate_weight` and
`<layer>.gate_bias`, too; its gates are neurons of the run's kind. The header has, as JSON strings by name, `members` (a
list of the one resolved configuration), `epochs_done`, `slope` of the sigmoid, `epsilon` added to variances, and
`layers`, so that any reader of safetensors can rebuild it.
"""

import dataclasses
import json
import math

from binarygan.generators.sampling import Sampler
from binarygan.io.files import AnyPath
from binarygan.io.tensor_files import damaged, floats, read_tensors, tensor_bytes
from binarygan.model.networks import Statistics, laid_out
from binarygan.model.norms import EPSILON, NORMS
from binarygan.training.checkpoints import Description

HOLDS = {"holds": "generator"}
"""In the header of an exported generator, and of no checkpoint."""


def generator_bytes(sampler: Sampler) -> bytes:
    """The file of a generator."""
    tensors = {name: t[0] for name, t in sampler.parameters.items()}
    for layer, (mean, variance) in sampler.statistics.items():
        tensors |= {f"{layer}.mean": mean.flatten(), f"{layer}.variance": variance.flatten()}
    layers = sampler.config.generator_layers().layers
    metadata = {
        **HOLDS,
        **Description((sampler.config,), sampler.epochs_done).to_metadata(),
        "member_id": sampler.config.member_id,
        "slope": repr(sampler.slope),
        "epsilon": repr(EPSILON),
        "layers": json.dumps([dataclasses.asdict(x) | {"norm": NORMS.name_of(type(x.norm))} for x in layers]),
    }
    return tensor_bytes(tensors, metadata)


def load_generator(path: AnyPath) -> Sampler:
    """The generator of a file that `python -m binarygan.export` wrote: call it with z (n, Z) for (n, 28, 28).

    Raises:
        DamagedFileError: it cannot be read, or is no such file.
    """
    metadata, tensors = read_tensors(path)
    if not is_exported(metadata):
        raise damaged(path, "it holds no exported generator")
    description = Description.of(path, metadata)
    config = description.members[0]
    network = config.generator_layers()
    shapes = network.parameter_shapes()
    parameters = dict(zip(shapes, floats(path, tensors, shapes), strict=True))
    statistics: Statistics = {}
    for number, layer in enumerate(network.layers):
        if layer.norm.of_batch:
            units = shapes[f"{number}.bias"]
            mean, variance = floats(path, tensors, {f"{number}.mean": units, f"{number}.variance": units})
            shape = (1, 1, -1) if layer.takes_rows else (1, -1, 1, 1)
            statistics[str(number)] = mean.view(shape), variance.view(shape)
    try:
        slope = float(metadata.get("slope", ""))
    except ValueError:
        slope = math.nan
    if not math.isfinite(slope):
        raise damaged(path, "its slope is no number")
    return Sampler(
        config=config,
        epochs_done=description.epochs_done,
        slope=slope,
        parameters=laid_out({name: t.unsqueeze(0) for name, t in parameters.items()}),
        statistics=statistics,
    )


def is_exported(metadata: dict[str, str]) -> bool:
    """Whether a file with this header is an exported generator, rather than a checkpoint."""
    return metadata.items() >= HOLDS.items()
