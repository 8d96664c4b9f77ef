"""Every reader of files from elsewhere: a valid file, how it is read, and the errors that are an answer."""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import optuna
import pandas as pd
import torch

from analysis.results.load import load_study
from analysis.results.study import Study
from analysis.search.search import read_search
from binarygan.cli.evaluate import load_samples
from binarygan.config import MemberConfig
from binarygan.data.images import load_images
from binarygan.errors import UserError
from binarygan.generators.files import generator_bytes, load_generator
from binarygan.generators.finding import find_generator
from binarygan.generators.sampling import Sampler
from binarygan.io.arrays import IMAGES_MAGIC, LABELS_MAGIC, read_idx
from binarygan.io.tensor_files import DamagedFileError
from binarygan.paper import paper_config
from binarygan.training import checkpoints
from binarygan.training.trainer import Trainer
from study.design.spaces import SPACES
from study.publish import rows_of
from study.search.search import Search, differences
from study.search.storage import JOURNAL, storage_of
from study.store.store import Store


@dataclass(frozen=True)
class Reader:
    """`read` gets the folder with the damaged file in it; whatever it raises but `answers` is a fault."""

    file: str
    """Where the file is in the folder."""
    valid: Callable[[], bytes]
    read: Callable[[Path], object]
    answers: tuple[type[Exception], ...] = (UserError,)


def member(**choices: object) -> MemberConfig:
    """A small member."""
    fields = {"objective": "wgan-gp", "data_digest": "x", "train_images": 64, "epochs": 2, "latent_size": 2}
    return paper_config(fidelity="as-described", **(fields | choices))


def _trainer() -> Trainer:
    config = member(critic_schedule="constant")
    return Trainer([config], torch.zeros(64, 784, dtype=torch.uint8), device=torch.device("cpu"))


def _npy(array: np.ndarray) -> bytes:
    buffer = BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _npz() -> bytes:
    buffer = BytesIO()
    np.savez_compressed(buffer, bits=np.zeros((8, 98), np.uint8), other=np.zeros(3))
    return buffer.getvalue()


def _checkpoint(final: bool) -> bytes:
    with TemporaryDirectory() as scratch:
        trainer = _trainer()
        trainer.train_epoch()
        (checkpoints.save_generators if final else checkpoints.save)(trainer, Path(scratch))
        [path] = Path(scratch).iterdir()
        return path.read_bytes()


def _exported() -> bytes:
    trainer = _trainer()
    return generator_bytes(Sampler.of(trainer.configs[0], 1, trainer.generator.parameters))


def _parquet(table: str) -> bytes:
    with TemporaryDirectory() as scratch:
        store = Store(Path(scratch), "s")
        store.create()
        config = member()
        row = {"study": "s", "member_id": "m", "cell_id": "c", "status": "done", "epochs_done": 1, **config.to_dict()}
        key = {"member_id": "m", "epoch": 1}
        rows = {
            "members": row,
            "curves": key,
            "samples": key | {"bits": b"\0" * 6272, "preactivated": [0.0] * 50176},
            "histograms": key | {"bin_edges": [0.0, 0.5, 1.0], "counts": [1, 2]},
        }
        store.write(table, "m", [rows[table]])
        return (store.folder / table / "m.parquet").read_bytes()


def _read_store(folder: Path) -> object:
    return Store(folder, "s").statuses()


def _read_study(folder: Path) -> object:
    study = load_study(folder / "s")
    return study.curves(), study.samples("m"), study.evolution("m"), study.histogram("m"), study.description


def _with_members(table: str) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        path = folder / "s" / "members" / "m.parquet"
        if not path.exists():
            path.parent.mkdir(parents=True)
            path.write_bytes(_parquet("members"))
        return _read_study(folder)

    return read


def _restore(folder: Path) -> object:
    found = checkpoints.saved_members(folder)
    return found, checkpoints.restore(_kept_trainer(), folder)


@lru_cache(maxsize=1)
def _kept_trainer() -> Trainer:
    return _trainer()


def _idx(magic: int) -> Callable[[], bytes]:
    shape = (4, 28, 28) if magic == IMAGES_MAGIC else (4,)
    return lambda: struct.pack(f">{1 + len(shape)}i", magic, *shape) + bytes(np.prod(shape))


def _raw() -> bytes:
    return _idx(IMAGES_MAGIC)()


def _read_torchvision(folder: Path) -> object:
    raw = folder / "KMNIST" / "raw"
    for name, content in (
        ("train-labels-idx1-ubyte", _idx(LABELS_MAGIC)()),
        ("t10k-images-idx3-ubyte", _raw()),
        ("t10k-labels-idx1-ubyte", _idx(LABELS_MAGIC)()),
    ):
        (raw / name).write_bytes(content)
    return load_images("kmnist", root=folder)


def _search() -> Search:
    fields = {"data": "mnist", "data_digest": "x", "train_images": 128, "epochs": 2, "dtype": "float32"}
    return Search(space=SPACES["mlp"], metrics=("fid",), seeds=2, fidelity="as-described", fields=fields)


def _description_of_search() -> bytes:
    return json.dumps(_search().declaration() | {"schema_version": 1}).encode()


def _read_search(folder: Path) -> object:
    known = Store(folder, "s").description() or {}
    declared = json.loads(json.dumps(_search().declaration()))
    study = Study(folder / "s", pd.DataFrame({"member_id": ["m"]}))
    return differences({key: known.get(key) for key in declared}, declared), read_search(study)


def _journal() -> bytes:
    with TemporaryDirectory() as scratch:
        study = optuna.create_study(study_name="s", storage=storage_of(None, Path(scratch)))
        for _ in range(3):
            trial = study.ask()
            trial.suggest_float("x", 0, 1)
            study.tell(trial, 1.0)
        return (Path(scratch) / JOURNAL).read_bytes()


READERS = {
    "samples .npy": Reader("s.npy", lambda: _npy(np.zeros((8, 28, 28), np.uint8)), lambda f: load_samples(f / "s.npy")),
    "samples .npz": Reader("s.npz", _npz, lambda f: load_samples(f / "s.npz")),
    "data .npy": Reader(
        "d.npy", lambda: _npy(np.zeros((8, 28, 28), np.uint8)), lambda f: load_images(str(f / "d.npy"))
    ),
    "IDX images": Reader("images", _idx(IMAGES_MAGIC), lambda f: read_idx(f / "images")),
    "IDX labels": Reader("labels", _idx(LABELS_MAGIC), lambda f: read_idx(f / "labels")),
    "training state": Reader(
        "epoch-00001.safetensors", lambda: _checkpoint(False), _restore, (UserError, DamagedFileError)
    ),
    "exported generator": Reader(
        "g.safetensors", _exported, lambda f: load_generator(f / "g.safetensors"), (UserError, DamagedFileError)
    ),
    "generators": Reader(
        "final.safetensors",
        lambda: _checkpoint(True),
        lambda f: find_generator(str(f / "final.safetensors"), results=str(f)),
    ),
    "torchvision's images": Reader("KMNIST/raw/train-images-idx3-ubyte", _raw, _read_torchvision),
    "Optuna's journal": Reader(JOURNAL, _journal, lambda f: storage_of(None, f, mend=True)),
    "a search's study.json": Reader("s/study.json", _description_of_search, _read_search),
    "published members": Reader(
        "s/members/members.parquet", lambda: _parquet("members"), lambda f: rows_of(f / "s", "members", "m")
    ),
    "store: curves": Reader(
        "s/curves/m.parquet", lambda: _parquet("curves"), lambda f: Store(f, "s").epochs("curves", "m", having="ink")
    ),
    "store: members": Reader("s/members/m.parquet", lambda: _parquet("members"), _read_store),
    "analysis: members": Reader("s/members/m.parquet", lambda: _parquet("members"), _read_study),
    "analysis: curves": Reader("s/curves/m.parquet", lambda: _parquet("curves"), _with_members("curves")),
    "analysis: samples": Reader("s/samples/m.parquet", lambda: _parquet("samples"), _with_members("samples")),
    "analysis: histograms": Reader(
        "s/histograms/m.parquet", lambda: _parquet("histograms"), _with_members("histograms")
    ),
    "study.json": Reader(
        "s/study.json",
        lambda: (
            b'{"grid": "paper", "fidelity": "as-described", "quick": false, "cells": {"c": {}}, "schema_version": 1}'
        ),
        lambda f: (Study(f / "s", pd.DataFrame({"member_id": ["m"]})).description, Store(f, "s").description()),
    ),
}
"""By the name in reports."""
