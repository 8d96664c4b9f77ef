"""Train the packaged feature extractors: `python -m tools.train_extractor` (minutes on two cores).

Only the train split is seen in training, moved by up to two pixels; the test split gives the accuracy that is printed.
"""

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from binarygan.data.images import load_images
from binarygan.metrics.extractor import EXTRACTORS, build, extract, weights_path

EPOCHS, BATCH, PEAK_RATE, SHIFT = 14, 128, 3e-3, 2
SEEDS = {"primary": 1, "check": 2}


def train(name: str) -> float:
    """Train one extractor, write its weights, give its accuracy on the test split."""
    data = load_images("mnist")
    bits = torch.from_numpy(data.bits(len(data.packed))).view(-1, 28, 28)
    labels = torch.tensor(data.labels, dtype=torch.long)
    source = torch.Generator().manual_seed(SEEDS[name])
    torch.manual_seed(SEEDS[name])
    network = build(name)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-2)
    steps = EPOCHS * (data.train // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps)
    for _ in range(EPOCHS):
        for places in torch.randperm(data.train, generator=source)[: data.train // BATCH * BATCH].view(-1, BATCH):
            features, _ = network(_moved(bits[places].float(), source))
            logits = network.head(F.dropout(features, 0.3))
            loss = F.cross_entropy(logits, labels[places], label_smoothing=0.02)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, weights_path(name))
    _, probabilities = extract(network.eval(), bits[data.train :])
    return float((probabilities.argmax(1) == labels[data.train :]).float().mean())


def _moved(images: Tensor, source: torch.Generator) -> Tensor:
    """The batch moved by up to SHIFT pixels either way."""
    down, right = torch.randint(-SHIFT, SHIFT + 1, (2,), generator=source).tolist()
    return torch.roll(images, (down, right), (1, 2))


if __name__ == "__main__":
    for each in EXTRACTORS:
        print(f"{each}: {train(each):.4f} of the test split right, {weights_path(each)}", flush=True)
