"""Train the packaged feature extractors: `python -m tools.train_extractor [--reference validation]` (minutes).

Only the train split is seen in training, moved by up to two pixels; with `--reference validation` without the images
that are held out of it. The test split gives the accuracy that is printed, and settles nothing.
"""

import argparse

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from binarygan.config import REFERENCES
from binarygan.data.images import load_images
from binarygan.metrics.extractor import EXTRACTORS, build, extract, weights_path

EPOCHS, BATCH, PEAK_RATE, SHIFT = 14, 128, 3e-3, 2
SEEDS = {"primary": 1, "check": 2}


def train(name: str, reference: str) -> float:
    """Train an extractor of a pair, write its weights, give its accuracy on the test split."""
    data = load_images("mnist")
    count = data.count("train", reference)
    bits = torch.from_numpy(data.bits(len(data.packed))).view(-1, 28, 28)
    labels = torch.tensor(data.labels, dtype=torch.long)
    source = torch.Generator().manual_seed(SEEDS[name])
    torch.manual_seed(SEEDS[name])
    network = build(name)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-2)
    steps = EPOCHS * (count // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps)
    for _ in range(EPOCHS):
        for places in torch.randperm(count, generator=source)[: count // BATCH * BATCH].view(-1, BATCH):
            features, _ = network(_moved(bits[places].float(), source))
            logits = network.head(F.dropout(features, 0.3))
            loss = F.cross_entropy(logits, labels[places], label_smoothing=0.02)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, weights_path(name, reference))
    _, probabilities = extract(network.eval(), bits[data.train :])
    return float((probabilities.argmax(1) == labels[data.train :]).float().mean())


def _moved(images: Tensor, source: torch.Generator) -> Tensor:
    """The batch moved by up to SHIFT pixels either way."""
    down, right = torch.randint(-SHIFT, SHIFT + 1, (2,), generator=source).tolist()
    return torch.roll(images, (down, right), (1, 2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.train_extractor")
    parser.add_argument("--reference", choices=REFERENCES, default="test", help="what the pair compares samples with")
    chosen = parser.parse_args().reference
    for each in EXTRACTORS:
        right = train(each, chosen)
        print(f"{each}: {right:.4f} of the test split right, {weights_path(each, chosen)}", flush=True)
