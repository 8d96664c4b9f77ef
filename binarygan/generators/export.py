"""A trained generator for use elsewhere: safetensors, torch.export, ONNX."""

import importlib.util
import io
import json
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from binarygan.arithmetic.products import initial_arithmetic
from binarygan.errors import UserError
from binarygan.generators.files import generator_bytes
from binarygan.generators.sampling import Sampler, gate_noise, latent

DESCRIPTION = "binarygan.json"
"""Name of what a .pt2 and an .onnx say of themselves."""


class GeneratorModule(torch.nn.Module):
    """A sampler as a module without Python state: z (n, Z) to preactivated outputs (n, 28, 28)."""

    def __init__(self, sampler: Sampler) -> None:
        super().__init__()
        self._sampler = replace(sampler, parameters={}, statistics={})
        self._parameters_of = {name: self._keep(name, t) for name, t in sampler.parameters.items()}
        self._statistics_of = {
            layer: (self._keep(f"{layer}.mean", mean), self._keep(f"{layer}.variance", variance))
            for layer, (mean, variance) in sampler.statistics.items()
        }

    def forward(self, z: Tensor) -> Tensor:
        """Preactivated outputs."""
        whole = replace(
            self._sampler,
            parameters={name: self.get_buffer(b) for name, b in self._parameters_of.items()},
            statistics={n: (self.get_buffer(m), self.get_buffer(v)) for n, (m, v) in self._statistics_of.items()},
        )
        return whole.at_once(z)

    def _keep(self, name: str, tensor: Tensor) -> str:
        """The name of the buffer that holds it from now on."""
        buffer = "layer_" + name.replace(".", "_")
        self.register_buffer(buffer, tensor.clone())  # one of a cohort's would bring the others' along
        return buffer


def pt2_bytes(sampler: Sampler) -> bytes:
    """The generator as a program of torch.export, for any number of z."""
    z, shapes = _example(sampler)
    with initial_arithmetic():
        program = torch.export.export(GeneratorModule(sampler), (z,), dynamic_shapes=shapes)
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={DESCRIPTION: _description(sampler)})
    return buffer.getvalue()


def onnx_bytes(sampler: Sampler) -> bytes:
    """The generator as an ONNX model with the input `z` and the output `preactivated`.

    Raises:
        UserError: the packages that write it are not installed; the generator is no function of z alone.
    """
    missing = [name for name in ("onnx", "onnxscript") if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(f"an .onnx needs packages that are not installed: pip install {' '.join(missing)}")
    z, shapes = _example(sampler)
    with initial_arithmetic():
        program = torch.onnx.export(
            GeneratorModule(sampler).eval(),
            (z,),
            dynamo=True,
            dynamic_shapes=shapes,
            input_names=["z"],
            output_names=["preactivated"],
            verbose=False,
        )
    assert program is not None
    program.model.metadata_props[DESCRIPTION] = _description(sampler)
    content: bytes = program.model_proto.SerializeToString()
    return content


FORMATS: dict[str, Callable[[Sampler], bytes]] = {
    ".safetensors": generator_bytes,
    ".pt2": pt2_bytes,
    ".onnx": onnx_bytes,
}


def _description(sampler: Sampler) -> str:
    """Whose generator it is, and when, as JSON."""
    return json.dumps({"member": sampler.config.to_dict(), "epochs_done": sampler.epochs_done, "slope": sampler.slope})


def _example(sampler: Sampler) -> tuple[Tensor, dict[str, dict[int, torch.export.Dim]]]:
    """z to trace with, and that their number may be any.

    Raises:
        UserError: it is no function of z alone.
    """
    if gate_noise(sampler.config, 1, torch.Generator()) is not None:
        raise UserError("a .pt2 or .onnx takes z alone, but this generator's gates draw noise: write a .safetensors")
    z = latent(sampler.config, 3, torch.Generator().manual_seed(0))
    return z, {"z": {0: torch.export.Dim("n", min=1)}}
