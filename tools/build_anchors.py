"""Rebuild `analysis/anchors`, the rows that stand beside ours: `python -m tools.build_anchors RELEASED_RUNS`.

RELEASED_RUNS is a folder of the released code's runs, `<objective>_mlp_<round|bernoulli|real>_mlp[_bn].npz`, each with
10,000 packed samples (`bits`; `round` and `bern` of the real-valued run), `hist`, `pre64` and `epoch_log`. They are
measured by the code that measures ours, and so is the floor: 10,000 train images against the test images.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from binarygan.data.images import load_images
from binarygan.metrics.extractor import extractors_digest
from binarygan.metrics.names import BERNOULLI
from binarygan.metrics.preactivations import HISTOGRAM_BINS, of_histogram
from binarygan.metrics.scores import Reference, full_scores, reference_of
from binarygan.paper import paper_config
from study.store import provenance
from study.store.store import Store

NEURONS = {"round": "deterministic", "bernoulli": "stochastic", "real": "real"}
EDGES = np.linspace(0, 1, HISTOGRAM_BINS + 1).tolist()
FLOOR_IMAGES = 10_000
IMAGES = pa.schema([("member_id", pa.string()), ("bits", pa.binary()), ("bernoulli_bits", pa.binary())])
"""All of an anchor's 10,000 samples, so that any reader can measure them again."""


def build(runs: Path, out: Path) -> None:
    """Measure the runs and the floor and write them as the study `out`."""
    store = Store(out.parent, out.name)
    store.create()
    reference = reference_of(load_images("mnist"), torch.device("cpu"))
    for path in sorted(runs.glob("*.npz")):
        _released(store, path, reference)
    _floor(store, reference)


def _released(store: Store, path: Path, reference: Reference) -> None:
    run = np.load(path, allow_pickle=False)
    objective, architecture, kind, *rest = path.stem.split("_")
    data = load_images("mnist")
    config = paper_config(
        fidelity="as-released",
        objective=objective,
        architecture=architecture,
        neuron=NEURONS[kind],
        discriminator_norm="affine" if "bn" in rest else "none",
        data_digest=data.digest,
        train_images=len(data.packed),
    )
    packed = run["round" if kind == "real" else "bits"]
    bernoulli = run["bern"] if kind == "real" else None
    metrics = full_scores(_images(packed), reference) | of_histogram(torch.from_numpy(run["hist"]))
    if bernoulli is not None:
        metrics |= {f"{k}{BERNOULLI}": v for k, v in full_scores(_images(bernoulli), reference).items()}
    log = run["epoch_log"]  # epoch, seconds since the start, critic loss, generator loss
    member_id = config.member_id
    row: dict[str, Any] = {
        "study": "released code",
        "member_id": member_id,
        "cell_id": config.cell_id,
        "fidelity": "as-released",
        **config.to_dict(),
        "status": "done",
        **metrics,
        "discriminator_loss": log[-1, 2],
        "generator_loss": log[-1, 3],
        "seconds": log[-1, 1],
        "epochs_done": len(log),
        "device": "cpu",
        **_provenance(),
    }
    store.write("members", member_id, [row])
    curves = [
        {"member_id": member_id, "epoch": int(e) + 1, "slope": 1.0, "seconds": s}
        | {"discriminator_loss": d, "generator_loss": g}
        for (e, _, d, g), s in zip(log, np.diff(log[:, 1], prepend=0.0), strict=True)
    ]
    store.write("curves", member_id, curves)
    samples = {
        "member_id": member_id,
        "epoch": len(log),
        "bits": packed[:64].tobytes(),
        "bernoulli_bits": None if bernoulli is None else bernoulli[:64].tobytes(),
        "preactivated": run["pre64"].astype(np.float32).flatten(),
    }
    store.write("samples", member_id, [samples])
    counts = {"member_id": member_id, "epoch": len(log), "bin_edges": EDGES, "counts": run["hist"].tolist()}
    store.write("histograms", member_id, [counts])
    _write_images(store, member_id, packed, bernoulli)
    print(f"{path.stem}: FID {metrics['fid']:.2f}", flush=True)


def _floor(store: Store, reference: Reference) -> None:
    """10,000 train images as if they were samples, the others being the train split."""
    order = torch.randperm(len(reference.train), generator=torch.Generator().manual_seed(0))
    images = reference.train[order[:FLOOR_IMAGES]]
    metrics = full_scores(images, Reference(images=reference.images, train=reference.train[order[FLOOR_IMAGES:]]))
    row = {
        "study": "real images",
        "member_id": "real-images",
        "cell_id": "real-images",
        "status": "done",
        "data": "mnist",
    }
    store.write("members", "real-images", [row | metrics | _provenance()])
    _write_images(store, "real-images", np.packbits(images.flatten(1).numpy(), axis=1), None)
    print(f"real images: FID {metrics['fid']:.2f}")


def _provenance() -> dict[str, Any]:
    return {
        "extractors": extractors_digest(),
        "versions": provenance.versions(),
        "git_commit": provenance.git_commit(),
        "started_at": datetime.now(UTC),
    }


def _images(packed: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.unpackbits(packed, axis=1)).bool().view(-1, 28, 28)


def _write_images(store: Store, member_id: str, packed: np.ndarray, bernoulli: np.ndarray | None) -> None:
    sampled = None if bernoulli is None else bernoulli.tobytes()
    row = {"member_id": member_id, "bits": packed.tobytes(), "bernoulli_bits": sampled}
    folder = store.folder / "images"
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist([row], schema=IMAGES), folder / f"{member_id}.parquet", compression="zstd")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("error: python -m tools.build_anchors RELEASED_RUNS")
    build(Path(sys.argv[1]), Path(__file__).parents[1] / "analysis" / "anchors")
