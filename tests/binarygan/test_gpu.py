"""What only a GPU can show: CUDA graphs, its arithmetic, its memory. Needs no Ray."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cohorts import table
from members import mixed_cohort, of_counts, small, tiny_reference, trainer
from torch import Tensor

from binarygan.arithmetic.process import give_back
from binarygan.arithmetic.products import multiply, multiply_long, set_arithmetic
from binarygan.config import MemberConfig
from binarygan.data.images import load_images
from binarygan.metrics.evaluation import evaluate
from binarygan.metrics.scores import full_scores, reference_of
from binarygan.random_streams import SeededDraws
from binarygan.training import checkpoints
from binarygan.training.trainer import Trainer
from study.design.cohorts import Cohort
from study.store.store import Store
from study.trials.task import Task
from study.trials.trial import train_cohort

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
NETWORKS = [(a, o, n) for a in ("mlp", "cnn") for o in ("gan", "wgan", "wgan-gp") for n in ("none", "affine", "batch")]
NETWORKS.append(("gated-mlp", "wgan-gp", "none"))


def on_gpu(*configs: MemberConfig, dtype: torch.dtype = torch.float64) -> Trainer:
    return trainer(*configs, dtype=dtype, device="cuda")


def rounding(name: str, made: Trainer) -> float:
    """How far a parameter may be off for nothing but rounding.

    A bias ahead of batch normalization changes nothing, so its gradient is rounding alone, over which Adam walks: a
    thousandth of its steps (1e-4) is let pass.
    """
    shared = made.configs[0]
    norm = shared.generator_norm if name.startswith("generator") else shared.discriminator_norm
    stage, _, kind = name.rpartition(".")
    return 1e-7 if norm == "batch" and kind == "bias" and f"{stage}.scale" in made.state() else 1e-9


class OnTheCpu:
    """A CPU's draws, for whichever device."""

    def __init__(self, draws: SeededDraws, device: str) -> None:
        self._draws, self._device = draws, device

    def __getattr__(self, name: str) -> Callable[[], Tensor]:
        return lambda: getattr(self._draws, name)().to(self._device)


@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_a_member_begins_on_a_gpu_as_on_a_cpu(architecture: str) -> None:
    config = small(architecture=architecture)
    there, here = on_gpu(config, dtype=torch.float32).state(), trainer(config, dtype=torch.float32).state()
    for name, tensor in here.items():
        assert torch.equal(there[name].cpu(), tensor), name


@pytest.mark.parametrize(("architecture", "objective", "norm"), NETWORKS)
def test_a_gpus_iterations_are_a_cpus(architecture: str, objective: str, norm: str) -> None:
    """Three iterations from the same state and draws, in float64; the GPU's second and third are graphs."""
    configs = mixed_cohort(architecture=architecture, objective=objective, discriminator_norm=norm)
    cpu, gpu = trainer(*configs, dtype=torch.float64), on_gpu(*configs)
    for made, device in ((cpu, "cpu"), (gpu, "cuda")):
        made.draws = lambda epoch, device=device: OnTheCpu(cpu_draws(epoch), device)  # type: ignore[method-assign]
    cpu_draws = trainer(*configs, dtype=torch.float64).draws
    expected, found = cpu.train_epoch(), gpu.train_epoch()
    assert gpu._recorded
    torch.testing.assert_close(found.discriminator_loss.cpu(), expected.discriminator_loss, rtol=1e-7, atol=1e-8)
    torch.testing.assert_close(found.generator_loss.cpu(), expected.generator_loss, rtol=1e-7, atol=1e-8)
    for name, tensor in cpu.state().items():  # Adam divides by roots of squares: gradients near 0 differ most
        difference, size = (gpu.state()[name].cpu() - tensor).norm(), tensor.norm()
        assert difference <= 1e-6 * size + rounding(name, cpu), name


@pytest.mark.parametrize(("architecture", "objective", "norm"), NETWORKS)
def test_graphs_are_eager_steps(architecture: str, objective: str, norm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two epochs, so that slopes change; then, as in warm-up, an iteration of pieces between two of whole graphs."""
    configs = mixed_cohort(architecture=architecture, objective=objective, discriminator_norm=norm)
    captured, eager = on_gpu(*configs), on_gpu(*configs)
    monkeypatch.setattr(eager, "record", lambda *_: None)
    for _ in range(2):
        found, expected = captured.train_epoch(), eager.train_epoch()
        torch.testing.assert_close(found.discriminator_loss, expected.discriminator_loss, rtol=1e-8, atol=1e-10)
    assert captured._recorded
    assert not eager._recorded
    for name, tensor in eager.state().items():
        torch.testing.assert_close(captured.state()[name], tensor, rtol=1e-6, atol=rounding(name, eager))
    eager.load_state(captured.state(), 2)
    for again, wanted in zip(*(of_counts(t, (5, 7, 5)) for t in (captured, eager)), strict=True):
        torch.testing.assert_close(again, wanted, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_a_member_does_not_depend_on_its_cohort_mates(architecture: str) -> None:
    """In float64; and in float32 to rounding."""
    configs = mixed_cohort(architecture=architecture)
    for dtype, close in ((torch.float64, 1e-8), (torch.float32, 1e-3)):
        losses = on_gpu(*configs, dtype=dtype).train_epoch()
        for i, config in enumerate(configs):
            alone = on_gpu(config, dtype=dtype).train_epoch()
            ours = losses.discriminator_loss[i]
            torch.testing.assert_close(ours, alone.discriminator_loss[0], rtol=close, atol=close)


def test_an_iteration_does_not_wait_for_the_device() -> None:
    member = on_gpu(*mixed_cohort(), dtype=torch.float32)
    member.train_epoch()
    member.set_epoch(2)
    draws = member.draws(2)
    batches = list(draws.batches())
    torch.cuda.set_sync_debug_mode("error")
    try:
        for batch in batches:
            member.iteration(batch, draws, 5)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_precisions_round_as_declared() -> None:
    """The error of a product against float64: float32's far below tf32's, tf32's below bfloat16's."""
    source = torch.Generator("cuda").manual_seed(1)
    a, b = (torch.randn(4, 256, 256, generator=source, device="cuda") for _ in range(2))
    exact = a.double() @ b.double()
    errors = {}
    for dtype in ("float32", "tf32", "bfloat16"):
        set_arithmetic(tf32=dtype == "tf32")
        kind = torch.bfloat16 if dtype == "bfloat16" else torch.float32
        errors[dtype] = float((multiply(a.to(kind), b.to(kind)) - exact).norm() / exact.norm())
    assert errors["float32"] < 1e-6 < 1e-4 < errors["tf32"] < 1e-3 < errors["bfloat16"] < 1e-2


def test_a_long_product_is_the_product() -> None:
    a, b = (torch.randn(2, *shape, device="cuda", dtype=torch.float64) for shape in ((9, 10_816), (10_816, 32)))
    torch.testing.assert_close(multiply_long(a, b), a @ b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("dtype", ["tf32", "bfloat16"])
@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_precisions_train_as_float32_to_their_rounding(architecture: str, dtype: str) -> None:
    choices = {"architecture": architecture, "neuron": "real", "slope_rate": 1.0}
    exact, rounded = (on_gpu(small(dtype=d, **choices), dtype=torch.float32) for d in ("float32", dtype))
    a, b = exact.train_epoch().discriminator_loss, rounded.train_epoch().discriminator_loss
    assert not torch.equal(a, b)
    torch.testing.assert_close(a, b, rtol=0.02, atol=0.02)


def test_scores_do_not_depend_on_the_precision_that_was_trained_in() -> None:
    data = load_images("mnist")
    reference = reference_of(data, torch.device("cuda"))
    images = reference.train[:2000]
    found = []
    for dtype in ("float32", "tf32"):
        set_arithmetic(tf32=dtype == "tf32")
        found.append(full_scores(images, reference))
    assert found[0] == found[1]


def test_a_gpus_scores_are_a_cpus() -> None:
    data = load_images("mnist")
    on_cpu, there = (reference_of(data, torch.device(d)) for d in ("cpu", "cuda"))
    expected = full_scores(on_cpu.train[:1000], on_cpu)
    found = full_scores(there.train[:1000], there)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=2e-3, abs=2e-3), name


@pytest.mark.parametrize("objective", ["wgan", "wgan-gp"])
def test_a_restored_cohort_goes_on(objective: str, tmp_path: Path) -> None:
    configs = mixed_cohort(objective=objective)
    straight, resumed = on_gpu(*configs), on_gpu(*configs)
    straight.train_epoch()
    checkpoints.save(straight, tmp_path)
    assert checkpoints.restore(resumed, tmp_path)
    expected, found = straight.train_epoch(), resumed.train_epoch()
    torch.testing.assert_close(found.discriminator_loss, expected.discriminator_loss, rtol=1e-8, atol=1e-10)
    for name, tensor in straight.state().items():
        torch.testing.assert_close(resumed.state()[name], tensor, rtol=1e-6, atol=1e-9)


def test_evaluation_is_of_the_member_alone() -> None:
    """Its draws are of its seed, so that its mates change nothing."""
    configs = mixed_cohort()
    reference = tiny_reference("cuda")
    together, alone = on_gpu(*configs, dtype=torch.float32), on_gpu(configs[0], dtype=torch.float32)
    together.train_epoch()
    alone.load_state({name: t if t.dim() == 0 else t[:1] for name, t in together.state().items()}, 1)
    first, second = (evaluate(t, 0, reference, full=False) for t in (together, alone))
    assert torch.equal(first.bits, second.bits)
    assert torch.equal(first.histogram, second.histogram)


def test_a_real_exhaustion_halves_the_cohort_and_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """32 CNNs with 2 GB: some halves fit. Few samples are evaluated: it is training that is to run out of memory."""
    monkeypatch.setattr("binarygan.metrics.evaluation.EVALUATION_SAMPLES", 256)
    monkeypatch.setattr("binarygan.generators.sampling.POPULATION", 256)
    data = load_images("mnist")
    base = small(architecture="cnn", train_images=128, epochs=1, batch_size=64, data=data.name)
    cohort = Cohort(tuple(dataclasses.replace(base, seed=seed) for seed in range(32)))
    store = Store(tmp_path, "s")
    store.create()
    task = Task(results=tmp_path, study="s", fidelity="as-described", source="mnist", root=None, device="cuda")
    give_back()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(2e9 / total)
    try:
        train_cohort(cohort, task, lambda *_: None)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert "out of memory with 32 members" in caplog.text
    members = table(store, "members")
    assert (members["status"] == "done").all()
    assert len(members) == 32
    assert len(table(store, "curves")) == 32
