"""A search chooses by images that are held out of training, and its winner is reported on the test split, once."""

import re
import shlex
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cohorts import table
from optuna.trial import create_trial
from running import Outcome, assert_refused, here
from searches import search

from binarygan.data.images import load_images
from study.search.storage import storage_of
from study.search.trials import Trials
from study.store.schemas import SCHEMAS
from study.store.store import Store

TRAIN, HELD_OUT, TEST = 96, 16, 40
IDS = ["member_id", "cell_id", "data_digest"]
"""What the digest of the data is part of, and with it the test split."""


def write_splits(root: Path, test: np.ndarray) -> list[str]:
    """Data of little train and test splits; the words that name them."""
    folder = root / "KMNIST" / "raw"
    folder.mkdir(parents=True)
    train = load_images("mnist").bits(TRAIN).reshape(-1, 28, 28)
    for prefix, images in (("train", train), ("t10k", test)):
        head = struct.pack(">4i", 2051, len(images), 28, 28)
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(head + images.astype(np.uint8).tobytes())
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, len(images)) + bytes(len(images)))
    return ["--data", "kmnist", "--data-root", str(root)]


def searched(data: list[str], results: Path) -> Outcome:
    """Two trials of two runs each."""
    same = ("--search", "annealing", "--epochs", 1, "--sampler", "random", "--max-concurrent", 1, "--results", results)
    return here(*same, "--trials", 2, "--seeds", 2, *data)


def in_order(store: Store) -> dict[str, pd.DataFrame]:
    """All rows of all tables without ids, by what their runs drew."""
    members = table(store, "members").sort_values(["slope_rate", "neuron", "seed"])
    ranks = {member_id: rank for rank, member_id in enumerate(members["member_id"])}
    frames = {name: table(store, name) for name in SCHEMAS}
    return {
        name: frame.assign(rank=frame["member_id"].map(ranks))
        .sort_values(["rank", *(["epoch"] if "epoch" in frame and name != "members" else [])])
        .drop(columns=IDS, errors="ignore")
        .reset_index(drop=True)
        for name, frame in frames.items()
    }


@pytest.mark.long
def test_nothing_of_the_test_split_reaches_a_search_before_the_end(tmp_path: Path) -> None:
    """The same search with another test split: the same trials bit for bit, then another report."""
    digits = load_images("mnist").bits(60_000 + TEST)[60_000:].reshape(-1, 28, 28)
    splits = {"digits": digits, "poison": np.random.default_rng(0).integers(0, 2, digits.shape)}
    searches, reports = {}, {}
    for name, test in splits.items():
        results = tmp_path / name / "results"
        outcome = searched(write_splits(tmp_path / name, test), results)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        assert f"chosen by {HELD_OUT} images that were held out of training" in outcome.stdout
        searches[name] = in_order(Store(results, "search-annealing"))
        [words] = re.findall(r"next: python study/run.py (--retrain .*)", outcome.stdout)
        assert "--seeds 10 --reference test" in words
        report = here(*shlex.split(words), "--seeds", 2, "--epochs", 1, "--executor", "local")
        assert report.returncode == 0, report.stderr
        [study] = results.glob("retrain-*-test")
        reports[name] = in_order(Store(results, study.name))
        fids = reports[name]["members"]["fid"]
        assert f"fid on the test images: {fids.mean():.4g} (mean of 2 runs, {fids.min():.4g} to " in report.stdout

    for name in SCHEMAS:
        pd.testing.assert_frame_equal(searches["digits"][name], searches["poison"][name], check_exact=True, obj=name)
    chosen, reported = searches["digits"]["members"], reports["digits"]["members"]
    for rows, reference, images in ((chosen, "validation", TRAIN - HELD_OUT), (reported, "test", TRAIN)):
        assert set(rows["reference"]) == {reference}
        assert set(rows["train_images"]) == {images}
    assert set(chosen["extractors"]).isdisjoint(reported["extractors"])
    assert (set(chosen["seed"]), set(reported["seed"])) == ({0, 1}, {2, 3}), "no seed that was chosen by is reported"
    winner = chosen.groupby(["neuron", "slope_rate"])["fid"].mean().idxmin()
    assert set(reported.set_index(["neuron", "slope_rate"]).index) == {winner}
    poisoned = reports["poison"]["members"]
    for column in ("discriminator_loss", "generator_loss", "nearest_train_hamming"):
        assert reported[column].tolist() == poisoned[column].tolist(), "trained the same"
    for column in ("fid", "fid_check", "nearest_test_hamming", "pixel_error"):
        assert (reported[column] != poisoned[column]).all(), f"{column} is of the test split"


def test_an_older_search_goes_on_as_it_was_declared(tiny: Path, tmp_path: Path) -> None:
    """Its folder names no reference images: it compares with the test split, and never with another by the way."""
    data = load_images(str(tiny))
    fields = {"data": data.name, "data_digest": data.digest, "train_images": 128, "epochs": 1, "dtype": "float32"}
    own, store = search(fields=fields, seeds=1), Store(tmp_path, "search-annealing")
    declared = own.declaration()
    assert "reference" not in declared["fixed"]
    store.create()
    store.describe(declared)
    trials = Trials(storage_of(None, store.folder), store.study, own)
    known = {p.name: p.distribution for p in own.space.parameters}
    trials.study.add_trial(
        create_trial(params={"neuron": "stochastic", "slope_rate": 1.1}, distributions=known, values=[3.0])
    )
    same = ("--search", "annealing", "--trials", 1, "--epochs", 1, "--data", tiny, "--results", tmp_path)
    goes_on = here(*same, "--plan")
    assert (goes_on.returncode, goes_on.stderr) == (0, "")
    assert "1 settled, 0 to run on cpu; goal: fid minimized on test images" in goes_on.stdout
    assert here(*same, "--plan", "--reference", "test").stdout == goes_on.stdout
    refused = here(*same, "--plan", "--reference", "validation")
    assert_refused(refused, "reference: test there, validation asked")
    (store.folder / "study.json").unlink()
    assert_refused(here(*same, "--plan"), "reference: test there, validation asked")  # its storage says the same


@pytest.mark.usefixtures("few_samples")
def test_a_grid_chooses_and_reports_on_different_images_where_it_is_asked_to(tiny: Path, tmp_path: Path) -> None:
    """As-released without the test images, which it would train on; the same command goes on with what it began."""
    same = ("--grid", "paper-real-valued", "--fidelity", "as-released", "--data", tiny, "--epochs", 1)
    same = (*same, "--results", tmp_path, "--executor", "local")
    assert here(*same, "--reference", "validation").returncode == 0
    [row] = Store(tmp_path, "paper-real-valued").statuses().values()
    assert (row["reference"], row["split"], row["train_images"]) == ("validation", "train", 107)
    assert "1 finished, 0 trials" in here(*same, "--plan").stdout, "as it was begun"
    assert_refused(here(*same, "--reference", "test"), "reference: validation there, test asked")
    assert here(*same, "--set", "split=train", "--study", "train").returncode == 0
    [row] = Store(tmp_path, "train").statuses().values()
    assert (row["reference"], row["split"], row["train_images"]) == ("test", "train", 128)
    retrained = here("--retrain", row["member_id"], "--reference", "test", *same[4:])
    assert retrained.returncode == 0, "what it is compared with already is no other"
    lacking = ("--retrain", Store(tmp_path, "paper-real-valued").ids()[0], "--reference", "test", *same[4:])
    assert_refused(here(*lacking), "digits.npy has no test split")
