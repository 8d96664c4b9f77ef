"""A hash of all parameters and the losses of a short training, for every kind of configuration.

    python benchmarks/net.py                      print a line each
    python benchmarks/net.py --write LOSSES.json  keep the losses, which tests compare with

Run before and after a change, on one machine: what a change of structure alone must leave as it is, bit for bit.
The losses differ by rounding between processors, the hashes altogether.
"""

import argparse
import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from binarygan.arithmetic.process import use_one_thread
from binarygan.config import MemberConfig
from binarygan.data.images import load_images
from binarygan.paper import norm_of, paper_config
from binarygan.training.trainer import Trainer

BATCH, ITERATIONS, EPOCHS = 64, 4, 2
SBN, REAL, RELEASED = {"neuron": "stochastic"}, {"neuron": "real"}, {"fidelity": "as-released"}
WGAN, GAN = {"objective": "wgan"}, {"objective": "gan"}
CNN, BF16 = {"architecture": "cnn"}, {"dtype": "bfloat16"}
GATED = {"architecture": "gated-mlp", "architecture.target_share": 0.25}
LAYER = {"generator_norm": "layer", "discriminator_norm": "layer"}
BARE = {"generator_output_norm": "none"}
PLAIN_D, AFFINE_D = {"discriminator_norm": "none"}, {"discriminator_norm": "affine"}
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "mlp wgan-gp dbn": {},
    "mlp wgan-gp sbn": SBN,
    "mlp wgan-gp real": REAL,
    "mlp wgan-gp dbn, no norm": {"generator_norm": "none"},
    "mlp wgan-gp sbn, layer norm": SBN | LAYER,
    "mlp wgan-gp dbn, no norm on G's output": BARE,
    "mlp wgan-gp dbn, batch norm in D": {"discriminator_norm": "batch"},
    "mlp wgan-gp sbn as-released, affine in D": RELEASED | SBN | AFFINE_D,
    "mlp wgan dbn": WGAN,
    "mlp wgan dbn, released schedule": WGAN | {"critic_schedule": "released"},
    "mlp wgan sbn as-released, affine in D": RELEASED | WGAN | SBN | AFFINE_D,
    "mlp wgan dbn by adam": WGAN | {"optimizer": "adam"},
    "mlp gan dbn": GAN,
    "mlp gan sbn, no norm in D": GAN | SBN | PLAIN_D,
    "mlp gan real as-released": RELEASED | GAN | REAL,
    "mlp gan dbn by rmsprop": GAN | PLAIN_D | {"optimizer": "rmsprop"},
    "cnn wgan-gp dbn": CNN,
    "cnn wgan-gp sbn": CNN | SBN,
    "cnn wgan-gp real as-released": CNN | RELEASED | REAL,
    "cnn wgan-gp dbn, affine in D": CNN | RELEASED | AFFINE_D,
    "cnn wgan sbn": CNN | WGAN | SBN,
    "cnn gan dbn": CNN | GAN,
    "cnn gan sbn, layer norm": CNN | GAN | SBN | LAYER,
    "gated mlp wgan-gp dbn": GATED,
    "gated mlp wgan-gp sbn": GATED | SBN,
    "mlp wgan-gp dbn bf16": BF16,
    "mlp wgan-gp sbn bf16": BF16 | SBN,
    "mlp wgan-gp real bf16 as-released": BF16 | RELEASED | REAL,
    "mlp wgan-gp dbn bf16, affine in D": BF16 | RELEASED | AFFINE_D,
    "mlp wgan sbn bf16": BF16 | WGAN | SBN,
    "mlp gan dbn bf16": BF16 | GAN,
    "mlp gan sbn bf16, no norm in D": BF16 | GAN | SBN | PLAIN_D,
    "mlp wgan-gp dbn bf16, layer norm in G": BF16 | {"generator_norm": "layer"},
    "mlp wgan-gp sbn bf16, no norm on G's output": BF16 | SBN | BARE,
    "cnn wgan-gp dbn bf16": CNN | BF16,
    "cnn gan sbn bf16": CNN | BF16 | GAN | SBN,
}
"""Name -> what is unlike WGAN-GP, MLP and DBN with the paper's settings and G's norm on its output layer, too."""
COHORTS = ("mlp wgan-gp dbn", "cnn wgan-gp dbn", "mlp wgan-gp dbn bf16", "mlp gan dbn")
"""Trained once more as a cohort of every kind of neuron."""
KINDS = (("stochastic", 5, 1.1), ("deterministic", 5, 1.2), ("real", 6, 1.0), ("stochastic", 7, 1.3))


def configuration(name: str) -> MemberConfig:
    """The configuration of that name, two short epochs long."""
    choices = {
        "fidelity": "as-described",
        "objective": "wgan-gp",
        "critic_schedule": "constant",
        **CONFIGURATIONS[name],
    }
    choices.setdefault("generator_output_norm", choices.get("generator_norm", norm_of(choices["fidelity"])))
    data = load_images("mnist")
    return paper_config(data_digest=data.digest, train_images=BATCH * ITERATIONS, epochs=EPOCHS, **choices)


def cohort(name: str) -> list[MemberConfig]:
    """Four members of that configuration, of every kind of neuron, with slopes and seeds of their own."""
    base = configuration(name)
    return [dataclasses.replace(base, neuron=n, seed=s, slope_rate=r) for n, s, r in KINDS]


def cases() -> dict[str, list[MemberConfig]]:
    """What is trained, by name: each configuration, then the cohorts."""
    return {name: [configuration(name)] for name in CONFIGURATIONS} | {f"{n}, cohort": cohort(n) for n in COHORTS}


def trained(members: Sequence[MemberConfig]) -> tuple[Trainer, list[list[float]]]:
    """The trainer after its epochs, and each epoch's losses: the discriminator's of each member, the generator's."""
    images = torch.from_numpy(load_images("mnist").bits(members[0].train_images))
    trainer = Trainer(members, images, device=torch.device("cpu"))
    losses = []
    for _ in range(EPOCHS):
        epoch = trainer.train_epoch()
        losses.append([*epoch.discriminator_loss.tolist(), *epoch.generator_loss.tolist()])
    return trainer, losses


def digest(trainer: Trainer) -> str:
    """Of every tensor of the trainer's state."""
    found = hashlib.sha256()
    for name, tensor in sorted(trainer.state().items()):
        found.update(name.encode())
        found.update(tensor.contiguous().numpy().tobytes())
    return found.hexdigest()[:16]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, metavar="FILE.json")
    arguments = parser.parse_args()
    use_one_thread()
    kept = {}
    for name, members in cases().items():
        trainer, losses = trained(members)
        kept[name] = {"revision": members[0].revision, "losses": losses}
        print(f"{digest(trainer)}  {members[0].member_id}  {name}", flush=True)
    if arguments.write:
        arguments.write.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
