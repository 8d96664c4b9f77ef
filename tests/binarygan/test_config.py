"""Configurations: what is refused, and what makes an identity."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from members import OtherRelu, built_in, registered, small
from torch import Tensor

from binarygan.config import FIELDS_OF_PARTS, PARTS, REVISION, SAME_AS, MemberConfig
from binarygan.errors import UserError
from binarygan.model.activations import ACTIVATIONS, Relu
from binarygan.model.architectures import ARCHITECTURES, Architecture, Layer
from binarygan.model.estimators import ESTIMATORS, Estimator
from binarygan.model.neurons import NEURONS, Neuron, Stochastic
from binarygan.model.norms import Norm
from binarygan.registry import parameter, parameters_of, source_digest

ROOT = Path(__file__).parents[2]
FIELDS = {f.name: f for f in dataclasses.fields(MemberConfig)}
LATER = {name: f.default for name, f in FIELDS.items() if f.default is not dataclasses.MISSING and name not in SAME_AS}
"""The fields that came later, and what all older runs had, but for those that were as another field."""


def fields_of(config: MemberConfig, **changes: Any) -> dict[str, Any]:
    return config.to_dict() | changes


def refusal(**changes: Any) -> str:
    """What is said of a configuration of WGAN-GP with these fields instead."""
    with pytest.raises(UserError) as caught:
        MemberConfig.from_dict(fields_of(small(), **changes))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("field", PARTS)
def test_an_unknown_part_is_an_error_that_names_the_nearest(field: str) -> None:
    for name in built_in(PARTS[field]):
        assert refusal(**{field: f"{name}x"}).startswith(
            f"{field}='{name}x' is unknown: did you mean '{name}'? known: "
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Warm(Neuron):
    """A neuron with parameters of its own."""

    temperature: float = parameter("of the noise", default=1.0, above=0)
    steps: int = parameter("of something", default=2, least=1, most=5)


class ForStochastic(Estimator):
    def supports(self, neuron: type[Neuron]) -> bool:
        return neuron is Stochastic

    def grad_a(self, g: Tensor, *, a: Tensor, p: Tensor, slope: Tensor, b: Tensor, v: Tensor | None) -> Tensor:
        return g


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a parameter of no chosen part": ({"clip_value": 0.01}, "clip_value has no effect with objective='wgan-gp'"),
    "another optimizer's": ({"decay": 0.9}, "decay has no effect with optimizer='adam'"),
    "one that is missing": ({"penalty_weight": None}, "penalty_weight is missing: objective='wgan-gp' needs it"),
    "a part's own parameter": (
        {"part_parameters": '{"neuron.temperature": 1}'},
        "'neuron.temperature' is unknown here",
    ),
    "parameters that are no object": ({"part_parameters": "[1]"}, r"part_parameters='[1]' is no JSON object"),
    "a bound that is excluded": ({"penalty_weight": 0}, "penalty_weight=0.0 must be above 0"),
    "a bound above": ({"beta1": 2}, "beta1=2.0 must be from 0 to 1"),
    "a bound below": ({"beta2": -0.1}, "beta2=-0.1 must be from 0 to 1"),
    "no number": ({"beta2": float("nan")}, "beta2=nan must be a finite number"),
    "no epochs": ({"epochs": 0}, "epochs=0 must be above 0"),
    "a negative seed": ({"seed": -1}, "seed=-1 must be at least 0"),
    "a type": ({"epochs": 1.5}, "epochs=1.5 must be of type int"),
    "true for a number": ({"slope_rate": True}, "slope_rate=True must be a finite number"),
    "less than a batch": ({"train_images": 15}, "train_images=15 is less than one batch of 16"),
    "a split": ({"split": "trian"}, "split='trian' is unknown: did you mean 'train'"),
    "reference images": ({"reference": "tset"}, "reference='tset' is unknown: did you mean 'test'"),
    "test images that are kept": ({"split": "all", "reference": "validation"}, "split='all' trains on the test images"),
    "a key": ({"objectve": "gan"}, "configuration key 'objectve' is unknown: did you mean 'objective'"),
    "a source that is not there": ({"part_sources": '{"neuron": "0"}'}, "neuron is defined by another source"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(what: str) -> None:
    changes, words = REFUSED[what]
    assert words in refusal(**changes)


def test_a_missing_field_is_named() -> None:
    fields = fields_of(small())
    del fields["neuron"], fields["seed"]
    with pytest.raises(UserError, match="keys are missing: neuron, seed"):
        MemberConfig.from_dict(fields)


def test_parts_from_outside_with_their_parameters() -> None:
    with registered(NEURONS, warm=Warm), registered(ESTIMATORS, picky=ForStochastic):
        plain, hot = small(neuron="warm"), small(neuron="warm", **{"neuron.temperature": 3})
        assert json.loads(hot.part_parameters) == {"neuron.temperature": 3.0, "neuron.steps": 2}
        assert hot.part("neuron") == Warm(temperature=3.0)
        assert plain.outside_parts == ["neuron"]
        assert len({plain.member_id, hot.member_id, small().member_id}) == 3
        assert MemberConfig.from_dict(json.loads(json.dumps(hot.to_dict()))) == hot
        spelled_out = fields_of(plain, part_parameters='{"neuron.temperature": 1, "neuron.steps": 2}')
        assert MemberConfig.from_dict(spelled_out).member_id == plain.member_id
        for choices, words in (
            ({"neuron.temperature": 0}, "neuron='warm': temperature=0.0 must be above 0"),
            ({"neuron.steps": 6}, "neuron='warm': steps=6 must be from 1 to 5"),
            ({"neuron.steps": 1.5}, "neuron.steps=1.5 must be of type int"),
            ({"neuron.temprature": 2}, "'neuron.temprature' is unknown here: did you mean 'neuron.temperature'"),
            ({"estimator": "picky"}, "estimator='picky' is not for neuron='warm'"),
        ):
            with pytest.raises(UserError) as caught:
                small(neuron="warm", **choices)
            assert words in str(caught.value)
        assert small(neuron="stochastic", estimator="picky").part_parameters == ""
        with pytest.raises(UserError, match="neuron is defined by another source"):
            MemberConfig.from_dict(fields_of(plain, part_sources='{"neuron": "0123456789abcdef"}'))


class Own(Relu):
    """An activation of the same file as its architecture."""


class Small(Architecture):
    """With an activation from outside."""

    def generator_layers(self, norm: Norm, output_norm: Norm) -> tuple[Layer, ...]:
        return (Layer(kind="dense", units=784, activation="own"),)

    def discriminator_layers(self, norm: Norm) -> tuple[Layer, ...]:
        return (Layer(kind="dense", units=1, activation="own"),)


def test_a_norm_that_no_layer_has_is_refused() -> None:
    with registered(ARCHITECTURES, small=Small), registered(ACTIVATIONS, own=Own):
        for field in ("generator_norm", "generator_output_norm", "discriminator_norm"):
            with pytest.raises(UserError, match=f"{field}='layer' has no layer with architecture='small'"):
                small(architecture="small", **{"generator_norm": "none", field: "layer"})


def test_an_activation_from_another_file_is_in_the_identity() -> None:
    """One from the file of its architecture is known with that."""
    found = []
    with registered(ARCHITECTURES, small=Small):
        for activation in (Own, OtherRelu):
            with registered(ACTIVATIONS, own=activation):
                found.append(small(architecture="small", generator_norm="none"))
                assert found[-1].outside_parts == ["architecture"]
                assert MemberConfig.from_dict(found[-1].to_dict()) == found[-1]
                assert len({c.member_id for c in found}) == len(found)
        with pytest.raises(UserError, match="activation 'own' is unknown"):
            small(architecture="small")
    own, other = (json.loads(c.part_sources) for c in found)
    assert own == {"architecture": source_digest(Small)}
    assert other == own | {"activation.own": source_digest(OtherRelu)}


def digest_of(fields: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps({"revision": REVISION, **fields}, sort_keys=True).encode()).hexdigest()[:16]


def test_a_later_field_is_part_of_the_identity_only_where_it_differs() -> None:
    assert LATER, "there are some"
    config = small()
    assert {name: getattr(config, name) for name in LATER} == LATER
    first = {name: value for name, value in config.to_dict().items() if name not in (*LATER, *SAME_AS)}
    assert config.member_id == digest_of(first)
    del first["seed"]
    assert config.cell_id == digest_of(first)
    with registered(NEURONS, warm=Warm):
        other = small(neuron="warm", generator_output_norm="none", reference="validation")
        assert all(getattr(other, name) != default for name, default in LATER.items())
        assert other.member_id == digest_of(other.to_dict())


def test_an_older_row_is_filled_in() -> None:
    config = small()
    later = (*LATER, *SAME_AS)
    older = {name: value for name, value in config.to_dict().items() if name not in later}
    for fields in (older, older | dict.fromkeys(later)):
        assert MemberConfig.from_dict(fields) == config


def variants() -> list[MemberConfig]:
    """For each part a configuration that uses it."""
    found = [small()]
    for field, registry in PARTS.items():
        neuron = {"neuron": "stochastic"} if field == "estimator" else {}
        found += [small(**neuron | {field: name}) for name in built_in(registry)]
    return list({c.member_id: c for c in found}.values())


REGISTRIES = {registry.kind: registry for registry in (*PARTS.values(), ACTIVATIONS)}


@pytest.mark.parametrize(("kind", "name"), [(kind, n) for kind, own in REGISTRIES.items() for n in built_in(own)])
def test_raising_a_parts_revision_changes_the_ids_of_what_uses_it(
    kind: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = REGISTRIES[kind]
    configs = variants()
    before = [(c.member_id, c.cell_id, c.revision) for c in configs]
    part = registry[name]
    if dataclasses.is_dataclass(part) and not isinstance(part, type):  # an object
        monkeypatch.setitem(registry._parts, name, dataclasses.replace(part, revision=2))
    else:
        monkeypatch.setattr(part, "revision", 2, raising=False)
    uses = [
        registry is ACTIVATIONS or any(r is registry and getattr(c, field) == name for field, r in PARTS.items())
        for c in configs  # each of which has all activations
    ]
    assert any(uses)
    for config, old, used in zip(configs, before, uses, strict=True):
        now = config.member_id, config.cell_id, config.revision
        assert [a != b for a, b in zip(now, old, strict=True)] == [used] * 3, config


def test_a_file_of_data_is_known_by_what_it_holds() -> None:
    own = {"data_digest": "0123456789abcdef"}
    one, same, packaged = (
        MemberConfig.from_dict(fields_of(small(), data=name, **own)) for name in ("a.npy", "/b/c.npy", "mnist")
    )
    assert (one.member_id, one.cell_id) == (same.member_id, same.cell_id)
    assert one.member_id != packaged.member_id
    other = MemberConfig.from_dict(fields_of(one, data_digest="fedcba9876543210"))
    assert other.member_id != one.member_id


def test_every_parameter_with_a_field_is_of_the_part_that_the_field_says() -> None:
    for name, field in FIELDS_OF_PARTS.items():
        assert name in FIELDS
        assert any(name in parameters_of(part) for part in PARTS[field].values()), name


PUBLISHED = sorted([*ROOT.glob("published/*/members/*.parquet"), *ROOT.glob("analysis/anchors/members/*.parquet")])
NO_RUNS = {"real-images"}


def published() -> dict[str, list[dict[str, Any]]]:
    """The rows of every file that ships, by its path."""
    files = {str(path.relative_to(ROOT)): pq.read_table(path).to_pylist() for path in PUBLISHED}
    rows = {name: [row for row in own if row["member_id"] not in NO_RUNS] for name, own in files.items()}
    return {name: own for name, own in rows.items() if own}


def test_no_published_id_was_lost() -> None:
    kept = json.loads((ROOT / "tests" / "data" / "published_ids.json").read_text())
    assert {name: sorted(row["member_id"] for row in rows) for name, rows in published().items()} == kept


def test_published_ids_are_those_of_their_rows() -> None:
    for rows in published().values():
        for row in rows:
            config = MemberConfig.from_dict({name: row[name] for name in FIELDS if name in row})
            assert (config.member_id, config.cell_id) == (row["member_id"], row["cell_id"])
