"""A gated generator after training: its samples are its evaluation's, its files hold it, its gates are counted."""

from pathlib import Path
from typing import Any

import pytest
import torch
from members import CPU, small, tiny_reference, trained_in_name, trainer

from binarygan.errors import UserError
from binarygan.generators.export import pt2_bytes
from binarygan.generators.files import generator_bytes, load_generator
from binarygan.generators.finding import find_generator
from binarygan.generators.sampling import Sampler, draw, gate_noise, latent
from binarygan.metrics import evaluation
from binarygan.metrics.evaluation import evaluate
from binarygan.metrics.names import OF_GATES
from binarygan.random_streams import derived_generator
from binarygan.training import checkpoints
from binarygan.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("small_population")
KINDS = ("deterministic", "stochastic")


@pytest.fixture(scope="module")
def gated() -> Trainer:
    """A cohort of both kinds, some of whose gates are always on or never; G's output is batch-normalized, too."""
    made = trained_in_name(*(small(architecture="gated-mlp", neuron=n, seed=i) for i, n in enumerate(KINDS)), epochs=3)
    with torch.no_grad():
        made.generator.parameters["0.gate_bias"][:, :3] = torch.tensor([200.0, 200.0, -200.0])
    return made


@pytest.fixture(scope="module")
def results(gated: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("results")
    checkpoints.save_generators(gated, root / "s" / "checkpoints" / "cohort")
    return root


def found(gated: Trainer, results: Path, kind: int) -> Sampler:
    return find_generator(gated.configs[kind].member_id, results=str(results))


def inputs(sampler: Sampler, count: int, purpose: str, epoch: int) -> tuple[torch.Tensor, torch.Tensor | None]:
    def source(what: str) -> torch.Generator:
        return derived_generator(sampler.config.seed, f"{purpose} {what}", epoch, CPU)

    return latent(sampler.config, count, source("latent")), gate_noise(sampler.config, count, source("gates"))


@pytest.mark.parametrize("kind", [0, 1], ids=KINDS)
def test_a_finished_member_gives_what_its_evaluation_gave(
    kind: int, gated: Trainer, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "EVALUATION_SAMPLES", 3000)  # more than one pass
    evaluated = evaluate(gated, kind, tiny_reference(), full=False)
    sampler = found(gated, results, kind)
    z, v = inputs(sampler, 64, "fixed", 0)
    assert torch.equal(sampler(z, v), evaluated.preactivated)
    (tmp_path / "g.safetensors").write_bytes(generator_bytes(sampler))
    exported = load_generator(tmp_path / "g.safetensors")
    assert torch.equal(exported(z, v), evaluated.preactivated)
    again, first = (torch.cat(list(draw(s, 600, seed=1, neuron=None))) for s in (exported, sampler))
    assert torch.equal(again, first)
    z, v = inputs(sampler, 3000, "evaluation", 3)
    w = {name: p[0] for name, p in sampler.parameters.items()}
    p = torch.sigmoid(sampler.slope * (z @ w["0.gate_weight"] + w["0.gate_bias"]))
    on = (p > (0.5 if v is None else v)).double()
    share = float(on.mean())
    wanted = {
        "active_share": share,
        "blocks_always_on": 2,
        "blocks_never_on": 1,
        "products_saved": 1 - share - 128 * 16 / (128 * 1024 + 1024 * 784),
    }
    assert set(wanted) == {m.name for m in OF_GATES}
    assert {name: evaluated.metrics[name] for name in wanted} == pytest.approx(wanted, abs=1e-4)


def test_other_runs_have_no_numbers_of_gates() -> None:
    metrics = evaluate(trained_in_name(small(), epochs=1), 0, tiny_reference(), full=False).metrics
    assert [metrics[m.name] for m in OF_GATES] == [None] * 4


def test_a_pt2_holds_deterministic_gates_and_no_others(gated: Trainer, results: Path, tmp_path: Path) -> None:
    sampler = found(gated, results, 0)
    (tmp_path / "g.pt2").write_bytes(pt2_bytes(sampler))
    z = torch.randn(70, 128)
    program = torch.export.load(tmp_path / "g.pt2").module()
    torch.testing.assert_close(program(z), sampler(z), rtol=0, atol=1e-5)
    with pytest.raises(UserError, match="gates draw noise: write a"):
        pt2_bytes(found(gated, results, 1))


def test_bfloat16_products_leave_gates_and_gradients_to_the_reference() -> None:
    """On a CPU, with the weights' copies that its Adam keeps: the same losses as by plain autograd."""
    choices: dict[str, Any] = {"architecture": "gated-mlp", "dtype": "bfloat16", "critic_steps": 2}
    ours, plain = (trainer(small(**choices), engine=engine) for engine in ("auto", "reference"))
    assert ours.engine.name == "bf16_cpu"
    assert "0.gate_weight" not in ours.case.generator.products_in_bfloat16()
    for _ in range(2):
        found, wanted = ours.train_epoch(), plain.train_epoch()
        torch.testing.assert_close(found.generator_loss, wanted.generator_loss, rtol=0.02, atol=0.02)
