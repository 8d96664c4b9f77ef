"""Reading the released code's traces: its names, its layouts, its random numbers."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import torch
from members import registered
from torch import Tensor

from binarygan.data.images import load_images
from binarygan.model.architectures import ARCHITECTURES, PIXELS, Architecture, Layer
from binarygan.model.norms import NORMS, Norm
from binarygan.paper import paper_config
from binarygan.training.trainer import Trainer

CRITIC_STEPS, BATCH, LATENT = 5, 64, 128
NEURONS = {"round": "deterministic", "bernoulli": "stochastic", "real": "real"}


class TraceDraws:
    """The random numbers of a trace, drawn in the order that its description gives."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def next_batch(self) -> Tensor:
        indices = self._rng.choice(70000, BATCH, replace=False)
        self._latent = self._rng.standard_normal((BATCH, LATENT))
        steps = [(self._rng.random((BATCH, PIXELS)), self._rng.random((BATCH, 1))) for _ in range(CRITIC_STEPS + 1)]
        self._noise = [v for v, _ in steps]
        self._epsilon = [e for _, e in steps]
        return torch.from_numpy(indices).unsqueeze(0)

    def batches(self) -> Tensor:
        raise NotImplementedError

    def latent(self) -> Tensor:
        return _tensor(self._latent)

    def noise(self) -> Tensor:
        return _tensor(self._noise.pop(0))

    def gate_noise(self) -> Tensor:
        raise NotImplementedError

    def epsilon(self) -> Tensor:
        return _tensor(self._epsilon.pop(0))


class Trace:
    """One JSON file of the released code's losses, and the trainer and random numbers that should give the same."""

    def __init__(self, path: Path) -> None:
        content = json.loads(path.read_text())
        self.losses, self.variables = content["losses"], content["variables"]
        names = content["config"]
        architecture, kind = names["generator"].split("_")[:2]
        normalized = any(v["name"].startswith("D/") and v["name"].endswith("gamma") for v in self.variables)
        images = torch.from_numpy(load_images("mnist").bits(70000))
        with registered(ARCHITECTURES, traced=self._as_traced(architecture)):
            config = paper_config(
                fidelity="as-released",
                objective=names["objective"],
                neuron=NEURONS[kind],
                architecture="traced",
                discriminator_norm="affine" if normalized else "none",
                data_digest=load_images("mnist").digest,
                train_images=70000,
            )
            self.trainer = Trainer([config], images, device=torch.device("cpu"))
        self._sides = {"G": self.trainer.generator, "D": self.trainer.discriminator}
        self.rng = np.random.default_rng(names["seed"])
        self._draw_kernels()
        self.draws = TraceDraws(self.rng)

    def run(self) -> tuple[np.ndarray, np.ndarray]:
        """Losses of every iteration: the critic's (iterations, 5), the generator's (iterations,)."""
        self.trainer.set_epoch(1)
        rows = [self.trainer.iteration(self.draws.next_batch(), self.draws, CRITIC_STEPS) for _ in self.losses]
        return np.array([c[:, 0].numpy() for c, _ in rows]), np.array([g.item() for _, g in rows])

    def expected(self) -> tuple[np.ndarray, np.ndarray]:
        """The released code's losses in the shapes of `run`."""
        return np.array([i["d"] for i in self.losses]), np.array([i["g"] for i in self.losses])

    def norms(self) -> list[tuple[str, float, float]]:
        """(variable, our l2 norm, theirs) after the last iteration."""
        return [(v["name"], self._parameter(v["name"]).detach().norm().item(), v["l2"]) for v in self.variables]

    def _kernels(self, side: str) -> list[str]:
        """The names of a network's kernels, up to the layer: `G/main/Layer_0/`."""
        names = [v["name"] for v in self.variables if v["name"][0] == side and v["name"].endswith("kernel")]
        return [name.rsplit("/", 2)[0] + "/" for name in names]

    def _parameter(self, variable: str) -> Tensor:
        side = self._sides[variable[0]]
        prefix = re.match(r".*/Layer_\d+/", variable)
        assert prefix is not None
        index = self._kernels(variable[0]).index(prefix[0])
        ours = {"kernel": "weight", "bias": "bias", "gamma": "scale", "beta": "shift"}[variable.rsplit("/", 1)[1]]
        with_weights = [i for i, layer in enumerate(side.network.layers) if layer.kind != "maxpool"]
        return side.parameters[f"{with_weights[index]}.{ours}"]

    def _as_traced(self, name: str) -> type[Architecture]:
        """The architecture, without a norm where the trace has none though its network is normalized elsewhere."""
        whole = ARCHITECTURES[name]()
        normed = {v["name"].split("batch_norm")[0] for v in self.variables if v["name"].endswith("gamma")}

        def matched(layers: tuple[Layer, ...], side: str) -> tuple[Layer, ...]:
            kernels = iter(self._kernels(side))
            bare = [layer.kind != "maxpool" and next(kernels) not in normed for layer in layers]
            return tuple(
                dataclasses.replace(layer, norm=NORMS["none"]()) if flag else layer
                for layer, flag in zip(layers, bare, strict=True)
            )

        class Traced(Architecture):
            def generator_layers(self, norm: Norm, output_norm: Norm) -> tuple[Layer, ...]:
                return matched(whole.generator_layers(norm, output_norm), "G")

            def discriminator_layers(self, norm: Norm) -> tuple[Layer, ...]:
                return matched(whole.discriminator_layers(norm), "D")

        return Traced

    @torch.no_grad()
    def _draw_kernels(self) -> None:
        previous = 0
        for v in self.variables:
            if not v["name"].endswith("kernel"):
                self._parameter(v["name"]).fill_(1.0 if v["name"].endswith("gamma") else 0.0)
                continue
            shape = tuple(v["shape"])
            values = (self.rng.standard_normal(shape) * 0.02).astype(np.float32)
            target = self._parameter(v["name"])
            if len(shape) == 4:  # (h, w, in, out), or (h, w, out, in) for transconv: ours has these two first
                values = values.transpose(3, 2, 0, 1)
            elif previous == 4:  # the flatten before it is over (h, w, c); ours over (c, h, w)
                side = int((shape[0] / 64) ** 0.5)
                values = values.reshape(side, side, 64, -1).transpose(2, 0, 1, 3).reshape(shape)
            assert values.shape == target.shape[1:], (v["name"], values.shape, target.shape)
            target.copy_(torch.from_numpy(values.copy()).unsqueeze(0))
            previous = len(shape)


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32)).unsqueeze(0)
