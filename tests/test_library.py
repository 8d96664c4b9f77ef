"""The library as a program has it: a run trained, sampled and scored; results as DataFrames and arrays."""

import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from running import ROOT, here, write_digits

import analysis
import binarygan
from binarygan.errors import UserError
from study.store.store import Store


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_digits(tmp_path_factory.mktemp("data") / "digits.npy", 128))


def test_a_run_is_what_a_study_trains(data: str, tmp_path: Path) -> None:
    """The same losses, bit for bit on this CPU, and the same samples as of its id."""
    words = ["--sweep", "objective=wgan", "--set", "neuron=stochastic", "--study", "s", "--epochs", 2, "--data", data]
    outcome = here(*words, "--results", tmp_path, "--executor", "local")
    assert outcome.returncode == 0, outcome.stderr
    seen = []
    config = binarygan.configuration(objective="wgan", neuron="stochastic", epochs=2, data=data)
    trained = binarygan.train(config, data=data, each_epoch=lambda epoch, _: seen.append(epoch))
    assert seen == [1, 2]
    curves = Store(tmp_path, "s").read("curves", config.member_id)
    assert [row["discriminator_loss"] for row in curves] == list(trained.discriminator_losses)
    assert [row["generator_loss"] for row in curves] == list(trained.generator_losses)
    bits = binarygan.sample(trained, 600, seed=3)
    assert (bits.shape, bits.dtype, set(np.unique(bits))) == ((600, 28, 28), np.uint8, {0, 1})
    np.testing.assert_array_equal(binarygan.sample(config.member_id, 600, seed=3, results=str(tmp_path)), bits)
    np.testing.assert_array_equal(binarygan.sample(trained, 10, seed=3), bits[:10])


def test_samples_are_scored(data: str) -> None:
    images = binarygan.load_images("mnist")
    test = np.unpackbits(images.packed[60_000:60_300], axis=1).reshape(-1, 28, 28)
    scores = binarygan.evaluate(test)
    assert scores["precision"] > 0.9
    assert scores["class_kl"] < 0.1
    noise = np.random.default_rng(0).integers(0, 2, (300, 28, 28))
    assert binarygan.evaluate(noise)["fid"] > 10 * scores["fid"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: binarygan.configuration(nuron="real"), "'nuron' is unknown: did you mean 'neuron'"),
        (lambda: binarygan.configuration(train_images=10**6), "train_images=1000000: mnist has 60000"),
        (lambda: binarygan.configuration(estimator="gumbel"), "estimator='gumbel' is not for neuron='deterministic'"),
        (lambda: binarygan.evaluate(np.zeros((3, 28, 28))), "3 samples: at least"),
        (lambda: binarygan.evaluate(np.full((30, 28, 28), 2)), "of 0 and 1 are needed"),
        (lambda: binarygan.configuration(data_digest="0123"), "data_digest is not chosen"),
        (lambda: binarygan.configuration(data=Path("none.npy")), "none.npy"),
        (lambda: binarygan.train(binarygan.configuration(), device="tpu"), "device 'tpu': it is unknown"),
        (lambda: binarygan.evaluate(np.zeros((30, 28, 28)), reference="tset"), "did you mean 'test'"),
        (lambda: binarygan.sample("x", 1e3), "1000.0 samples: a whole number"),  # type: ignore[arg-type]
        (lambda: binarygan.sample("x", -1), "-1 samples: a whole number"),
        (lambda: binarygan.sample("0123456789abcdef", 3, results="none"), "0123456789abcdef"),
        (lambda: binarygan.sample("x", 3, binarization="coin"), "binarization 'coin' is unknown"),
        (lambda: analysis.load_study("none/*"), "none/* matches no study"),
        (lambda: analysis.load_study("none"), "none does not exist"),
    ],
)
def test_mistakes_are_one_line(call: Any, words: str) -> None:
    with pytest.raises(UserError) as refused:
        call()
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_configuration_of_other_data_is_not_trained(data: str) -> None:
    with pytest.raises(UserError, match="mnist has"):
        binarygan.train(binarygan.configuration(data=data))


def test_one_study_and_many_are_read_alike() -> None:
    one = analysis.load_study(ROOT / "published" / "estimators")
    many = analysis.load_study(str(ROOT / "published" / "*"))
    assert set(many.members["study"]) == {p.name for p in (ROOT / "published").iterdir() if p.is_dir()}
    own = many.members[many.members["study"] == "estimators"]
    assert list(own["member_id"]) == list(one.members["member_id"])
    member = str(own["member_id"].iloc[0])
    np.testing.assert_array_equal(many.samples(member).bits, one.samples(member).bits)
    np.testing.assert_array_equal(many.histogram(member)[1], one.histogram(member)[1])
    assert one.samples(member).bits.shape == (64, 28, 28)
    curves = many.curves()
    pd.testing.assert_frame_equal(
        curves[curves["study"] == "estimators"].drop(columns="study").reset_index(drop=True),
        one.curves().reset_index(drop=True),
        check_dtype=False,
    )
    twice = analysis.load_study([ROOT / "published" / "estimators"] * 2)
    assert len(twice.members) == 2 * len(one.members)
    assert twice.problems[-1].startswith(f"{len(one.members)} runs stand in two studies")


def test_a_commands_module_is_its_function_too(batch: Path) -> None:
    """Whoever imports `binarygan.sample` finds the module under that name from then on."""
    code = f"""
import binarygan.sample, binarygan.evaluate, numpy
print(binarygan.evaluate(numpy.ones((9, 28, 28)), data={str(batch)!r})['ink'])
"""
    outcome = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert outcome.stdout.strip() == "1.0", outcome.stderr


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import sys, binarygan, analysis; print([m for m in ('torch', 'pandas', 'ray') if m in sys.modules])"
    outcome = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert outcome.stdout.strip() == "[]"


MLP = {"objective": "wgan-gp", "architecture": "mlp", "discriminator_norm": "none"}


def test_two_configurations_are_compared_by_the_tests_of_claims() -> None:
    study = analysis.load_study(ROOT / "published" / "paper-as-released")
    runs = study.members.query("objective == 'wgan-gp' and architecture == 'mlp' and discriminator_norm == 'none'")
    a, b = (runs[runs["neuron"] == neuron]["fid"] for neuron in ("stochastic", "deterministic"))
    found = analysis.compare_runs(study, "fid", MLP | {"neuron": "stochastic"}, MLP | {"neuron": "deterministic"})
    ratios = np.divide.outer(a.to_numpy(), b.to_numpy())
    assert found.is_ratio
    assert found.value == pytest.approx(np.median(ratios))
    assert 1 < found.interval[0] < found.value < found.interval[1]
    assert str(found).startswith(f"fid: ratio {found.value:.3g}, 90% [")
    again = analysis.load_study([ROOT / "published" / "paper-as-released"] * 2)
    twice = analysis.compare_runs(again, "fid", MLP | {"neuron": "stochastic"}, MLP | {"neuron": "deterministic"})
    assert twice == found, "a run that stands in two studies counts once"
    same = analysis.compare_runs(study, "class_kl", MLP | {"neuron": "real"}, MLP | {"neuron": "real"})
    assert (same.is_ratio, same.value) == (False, pytest.approx(0, abs=1e-12))


@pytest.mark.parametrize(
    ("metric", "runs", "words"),
    [
        ("fod", MLP, "'fod' is no column of paper-as-released"),
        ("fid", MLP, "3 configurations have these values: name neuron, too"),
        ("fid", {"neuron": "eager"}, "no run has these values"),
    ],
)
def test_what_cannot_be_compared_is_said(metric: str, runs: dict[str, str], words: str) -> None:
    study = analysis.load_study(ROOT / "published" / "paper-as-released")
    with pytest.raises(UserError, match=re.escape(words)):
        analysis.compare_runs(study, metric, runs, MLP | {"neuron": "real"})


def test_no_number_on_one_side_is_no_ratio() -> None:
    study = analysis.load_study(ROOT / "published" / "paper-as-released")
    sides = MLP | {"neuron": "stochastic"}, MLP | {"neuron": "deterministic"}
    assert math.isnan(analysis.compare_runs(study, "fid_bernoulli", *sides).value)


def test_what_unlike_extractors_measured_is_not_compared_and_a_finished_copy_counts() -> None:
    study = analysis.load_study(ROOT / "published" / "paper-as-released")
    sides = MLP | {"neuron": "stochastic"}, MLP | {"neuron": "deterministic"}
    found = analysis.compare_runs(study, "fid", *sides)
    cut = analysis.Study(study.folder, study.members.assign(status="running"))
    assert analysis.compare_runs(analysis.Studies([cut, study]), "fid", *sides) == found
    members = study.members.copy()
    members.loc[members["neuron"] == "stochastic", "extractors"] = "0123456789abcdef"
    with pytest.raises(UserError, match="were measured by different extractors"):
        analysis.compare_runs(analysis.Study(study.folder, members), "fid", *sides)
