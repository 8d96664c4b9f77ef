"""Feature extractors: small classifiers of binarized MNIST, whose penultimate layer measures samples.

Inception's features, trained on colour photographs, say little about binary digits; these are trained on the train
split of what the GANs are trained on, by `python -m tools.train_extractor`. Two of different shape and seed are
shipped, so that a ranking can be checked not to hang on one of them. No pair may have seen the images that it compares
samples with, so there is one pair for each kind of them: `test` was trained on the whole train split, `validation` on
what is left of it without the images that are held out.

Shapes: N images, H = W = 28, F features, 10 classes.
"""

import hashlib
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

CLASSES = 10
CHUNK = 1_000
EXTRACTORS = ("primary", "check")


class Extractor(nn.Module):
    """Binary images (N, 28, 28) to features (N, F) and logits (N, 10)."""

    def __init__(self, body: nn.Sequential, features: int) -> None:
        super().__init__()
        self.num_features = features
        self.body = body
        self.head = nn.Linear(features, CLASSES)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(images.unsqueeze(1))
        return features, self.head(features)


def build(name: str) -> Extractor:
    """The untrained network of that name: `primary` (64 features after a ReLU) or `check` (48 after a tanh)."""
    if name == "primary":
        body = nn.Sequential(
            nn.Conv2d(1, 32, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(64, 64, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64 * 5 * 5, 64),
            nn.ReLU(),
        )
        return Extractor(body, 64)
    body = nn.Sequential(
        nn.Conv2d(1, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, 48),
        nn.Tanh(),
    )
    return Extractor(body, 48)


def weights_path(name: str, reference: str = "test") -> Path:
    """Where the packaged weights are of that extractor in the pair for those reference images."""
    file = f"{name}.safetensors" if reference == "test" else f"{name}-{reference}.safetensors"
    return Path(str(files("binarygan") / "metrics" / "extractors" / file))


@lru_cache(maxsize=8)
def load_extractor(name: str, device: torch.device, reference: str = "test") -> Extractor:
    """The trained extractor of that name in the pair for those reference images, ready to evaluate."""
    extractor = build(name)
    extractor.load_state_dict(load_file(weights_path(name, reference)))
    return extractor.eval().requires_grad_(False).to(device)


@lru_cache(maxsize=2)
def extractors_digest(reference: str = "test") -> str:
    """SHA-256 of both files of a pair, first 16 hex digits: stored with every result that rests on them."""
    return hashlib.sha256(b"".join(weights_path(name, reference).read_bytes() for name in EXTRACTORS)).hexdigest()[:16]


@torch.no_grad()
def extract(extractor: Extractor, images: Tensor) -> tuple[Tensor, Tensor]:
    """Features (N, F) and class probabilities (N, 10) of binary images (N, 28, 28), in chunks."""
    parts = [extractor(part.float()) for part in images.split(CHUNK)]
    return torch.cat([f for f, _ in parts]), torch.softmax(torch.cat([logits for _, logits in parts]), 1)
