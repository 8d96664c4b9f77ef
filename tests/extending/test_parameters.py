"""Parameters of parts from outside whose names other parts have, too."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from running import plugins_forgotten
from torch import Tensor

from binarygan.errors import UserError
from binarygan.model.estimators import ESTIMATORS, Estimator
from binarygan.model.neurons import Neuron
from binarygan.paper import paper_config
from binarygan.registry import parameter
from study.design.studies import grid_asked, settings_asked
from study.options import parse

GIVEN = {"objective": "wgan", "data_digest": "-", "train_images": 64}


@dataclass(frozen=True, kw_only=True)
class Scaled(Estimator):
    label = "scaled"

    def supports(self, neuron: type[Neuron]) -> bool:
        return neuron.binary

    def grad_a(self, g: Tensor, *, a: Tensor, p: Tensor, slope: Tensor, b: Tensor, v: Tensor | None) -> Tensor:
        return g


def test_a_parameter_with_the_name_of_another_kinds_field_is_refused() -> None:
    """With WGAN it would get the optimizer's decay, 0.9, in silence."""

    @dataclass(frozen=True, kw_only=True)
    class Decaying(Scaled):
        decay: float = parameter("of its own", default=0.25)

    with plugins_forgotten():
        ESTIMATORS.register("decaying", Decaying)
        with pytest.raises(UserError, match="estimator: its parameter 'decay' has the name of a field: choose another"):
            paper_config(fidelity="as-described", **GIVEN, estimator="decaying")


def test_a_parameter_with_a_built_in_ones_name_has_its_own_type_and_bounds(tmp_path: Path) -> None:
    """gumbel-rao counts its samples, and no temperature of its own is above 100."""

    @dataclass(frozen=True, kw_only=True)
    class Weighted(Scaled):
        samples: float = parameter("of its own", default=0.5, above=0)
        temperature: float = parameter("of its own", default=1.0, above=0, most=1000)

    file = tmp_path / "s.toml"
    own = '[set]\nestimator = "weighted"\n"estimator.samples" = 0.25\n[sweep]\n"estimator.temperature" = [100, 150.0]\n'
    file.write_text(f'name = "s"\n{own}')
    words = [
        "--set",
        "estimator=weighted",
        "estimator.samples=0.25",
        "--sweep",
        "estimator.temperature=100,150",
        "--study",
        "s",
    ]
    with plugins_forgotten():
        ESTIMATORS.register("weighted", Weighted)
        for options in (parse(["--file", str(file)]), parse(words)):
            cells = grid_asked(options).cells("as-described", **GIVEN, **settings_asked(options))
            assert [c.part("estimator").temperature for c in cells] == [100.0, 150.0]
            assert {c.part("estimator").samples for c in cells} == {0.25}
        counting = {"neuron": "stochastic", "estimator": "gumbel-rao", "estimator.samples": 0.25}
        with pytest.raises(UserError, match=r"estimator\.samples=0\.25 must be of type int"):
            paper_config(fidelity="as-described", **GIVEN, **counting)
