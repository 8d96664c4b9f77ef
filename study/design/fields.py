"""The fields of configurations as a user names them: on the command line, in study files, in `--fields`."""

import dataclasses
import math
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import methodcaller
from typing import Any, TypeVar

from binarygan.config import FIELDS_OF_PARTS, PARTS, MemberConfig
from binarygan.errors import UserError, nearest
from binarygan.paper import paper_config
from binarygan.registry import checked, parameters_of

T = TypeVar("T")

OF_THE_COMMAND = {
    "data": "one command reads one data set: use --data",
    "data_digest": "it is measured of the data",
    "seed": "each configuration gets the seeds of --seeds",
    "part_parameters": "name the parameter itself, as in estimator.temperature",
    "part_sources": "they are measured of the files",
}
"""Fields that no sweep, grid or search space may name, and why."""
WORDS = {"true": True, "false": False}
KINDS: dict[type, tuple[str, Callable[[str], Any]]] = {
    str: ("a word", str),
    int: ("a whole number", int),
    float: ("a number", float),
    bool: ("true or false", WORDS.__getitem__),
}
"""The types of values, in words, and what reads each."""


@dataclass(frozen=True)
class Field:
    """What a user may say of a field of configurations, or of a part's own parameter (`estimator.temperature`)."""

    name: str
    meaning: str
    kind: type
    """One of `KINDS`."""
    values: tuple[str, ...] = ()
    """The words that it may be; empty where any value of its kind within the bounds will do."""
    limits: Mapping[str, Any] = field(default_factory=dict)
    """Of a number: `above`, `below`, `least`, `most`."""
    part: str = ""
    """The part that has this parameter, as `optimizer=adam`; empty where every configuration has the field."""
    default: Any = None
    """Of a part's parameter; the variant has those of all other fields."""

    @property
    def bounds(self) -> str:
        """In words: above 0, at most 100."""
        words = {"above": "above", "least": "at least", "below": "below", "most": "at most"}
        found = {word: self.limits[name] for name, word in words.items()}
        return ", ".join(f"{word} {limit:g}" for word, limit in found.items() if math.isfinite(limit))

    def value(self, text: str) -> Any:
        """The value that a word stands for; a UserError where it cannot be one."""
        if self.values and text not in self.values:
            raise UserError(f"no such value: {nearest(text, self.values)}")
        kind, read = KINDS[self.kind]
        try:
            return read(text)
        except (ValueError, KeyError):
            raise UserError(f"it must be {kind}") from None

    def check(self, value: object, where: str) -> None:
        """A UserError, which begins with `where`, if a value from a file cannot be one of this field."""
        try:
            self._check(value)
        except UserError as error:
            raise UserError(f"{where}: {error}") from None

    def _check(self, value: object) -> None:
        checked(self.name, value, self.kind)
        of = self.limits
        if isinstance(value, int | float) and not (
            of["above"] < value < of["below"] and of["least"] <= value <= of["most"]
        ):
            raise UserError(f"{self.name} = {value} must be {self.bounds}")
        if self.values and value not in self.values:
            raise UserError(f"{self.name} = {value!r} is unknown: {nearest(str(value), self.values)}")


def known_fields() -> dict[str, list[Field]]:
    """Every field that a user may name, plugins' among them; a parameter has one entry for each part that has it."""
    of_parts: dict[str, list[Field]] = {}
    for own in _parameters():
        of_parts.setdefault(own.name, []).append(own)
    hints = typing.get_type_hints(MemberConfig)
    found = {}
    for f in dataclasses.fields(MemberConfig):
        if f.name not in (*OF_THE_COMMAND, *FIELDS_OF_PARTS):
            values = tuple(PARTS.get(f.name, f.metadata["choices"]))
            found[f.name] = [Field(f.name, f.metadata["meaning"], hints[f.name], values, f.metadata)]
    return found | of_parts


def typed(words: Iterable[tuple[str, str]], option: str) -> dict[str, list[Any]]:
    """The values of `FIELD=VALUE,VALUE` words by field; a UserError, which begins with the option, if one is wrong."""
    known = known_fields()
    found: dict[str, list[Any]] = {}
    for name, text in words:
        if name in found:
            raise UserError(f"{option} {name}={text}: {name} is named twice")
        check_name(name, option, known)
        found[name] = []
        for word in text.split(","):
            try:
                found[name].append(of_some(known[name], methodcaller("value", word)))
            except UserError as error:
                raise UserError(f"{option} {name}={word}: {error}") from None
    return found


def of_some(fields: Sequence[Field], take: Callable[[Field], T]) -> T:
    """What the first part that has a parameter of this name makes of it; a UserError, the first's, where none can.

    The chosen part checks it again: here it is not known which that is.
    """
    refused: list[UserError] = []
    for known in fields:
        try:
            return take(known)
        except UserError as error:
            refused.append(error)
    raise refused[0]


def check_name(name: str, where: str, known: Mapping[str, Any]) -> None:
    """A UserError, which begins with `where`, if there is no field of that name, or if something else decides it."""
    if name in OF_THE_COMMAND:
        raise UserError(f"{where}: {name} is not chosen here: {OF_THE_COMMAND[name]}")
    if name not in known:
        raise UserError(f"{where}: there is no field {name!r}: {nearest(name, known)}")


def fields_table(fidelity: str, names: Iterable[str] = ()) -> Iterator[str]:
    """The lines of `--fields`: each field, or those of these names, with what it may be and what it is by default."""
    known = known_fields()
    for name in names:
        check_name(name, "--fields", known)
    usual = paper_config(fidelity=fidelity, objective="wgan-gp", data_digest="", train_images=1 << 30).to_dict()
    for name in tuple(names) or known:
        for own in known[name]:
            of = f" of {own.part}" if own.part else ""
            default = own.default if own.part else usual[name]
            said = "the whole split" if name == "train_images" else default
            what = "|".join(own.values) or f"{KINDS[own.kind][0]} {own.bounds}".strip()
            yield f"{name}{of}: {own.meaning}"
            yield f"    {what}; default: {said}"


def _parameters() -> Iterator[Field]:
    """Those of all parts."""
    for kind, registry in PARTS.items():
        for name, part in registry.items():
            hints = typing.get_type_hints(part) if isinstance(part, type) else {}
            for own, declared in parameters_of(part).items():
                of = own if FIELDS_OF_PARTS.get(own) == kind else f"{kind}.{own}"
                said = declared.metadata
                yield Field(of, said["meaning"], hints[own], said["choices"], said, f"{kind}={name}", declared.default)
