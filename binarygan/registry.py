"""Registries: the parts of one kind, by name. A part is a class, a function or an object that a study can name."""

import dataclasses
import hashlib
import inspect
import json
import math
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from binarygan.errors import UserError, nearest

T = TypeVar("T")
BUILT_IN = ("binarygan", "study", "analysis")
"""The packages whose parts are known by their names alone; every other part's source is part of a run's identity."""


class Registry(Mapping[str, T]):
    """The parts of one kind, in the order in which they were registered.

    >>> animals: Registry[str] = Registry("animal")
    >>> animals.register("cat", "a cat")
    'a cat'
    >>> animals["cat"], "dog" in animals
    ('a cat', False)
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._parts: dict[str, T] = {}

    def register(self, name: str, part: T) -> T:
        """Enter a part under a name of its own; a UserError where the name is taken by another part."""
        known = self._parts.get(name)
        if known is not None and known is not part and not same_definition(known, part):
            raise UserError(f"{self.kind} {name!r} is registered twice: choose another name")
        self._parts[name] = part
        return part

    def named(self, name: str) -> Callable[[T], T]:
        """The same as a decorator."""
        return lambda part: self.register(name, part)

    def __getitem__(self, name: str) -> T:
        """The part of that name; a UserError with the nearest name where there is none."""
        try:
            return self._parts[name]
        except (KeyError, TypeError):
            raise UserError(f"{self.kind} {name!r} is unknown: {nearest(str(name), self)}") from None

    def get(self, name: str, default: Any = None) -> Any:
        """The part of that name, if there is one."""
        return self._parts.get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def name_of(self, part: T) -> str:
        """The name of a part, or of the class that it is an instance of."""
        for name, known in self._parts.items():
            if known is part or known is type(part):
                return name
        raise UserError(f"{part!r} is no registered {self.kind}")


def parameter(
    meaning: str,
    *,
    default: Any = dataclasses.MISSING,
    choices: Sequence[str] = (),
    above: float = -math.inf,
    below: float = math.inf,
    least: float = -math.inf,
    most: float = math.inf,
) -> Any:
    """A field of a part or of a configuration: what it means, its default, the words that it may be, and its bounds.

    `above` and `below` are excluded, `least` and `most` are not. A field without a default has to be given.

    >>> @dataclasses.dataclass(frozen=True, kw_only=True)
    ... class Warm:
    ...     temperature: float = parameter("of the logistic noise", default=1.0, above=0)
    >>> check_parameters("neuron: ", Warm(temperature=0.0))
    Traceback (most recent call last):
    binarygan.errors.UserError: neuron: temperature=0.0 must be above 0
    """
    return dataclasses.field(
        default=default,
        metadata={"meaning": meaning, "choices": choices, "above": above, "below": below, "least": least, "most": most},
    )


def parameters_of(part: Any) -> dict[str, dataclasses.Field[Any]]:
    """The parameters that a part, or its class, declares with `parameter`."""
    fields = dataclasses.fields(part) if dataclasses.is_dataclass(part) else ()
    return {f.name: f for f in fields if "meaning" in f.metadata}


def check_parameters(of: str, part: Any) -> None:
    """A UserError, which begins with `of`, where a parameter is none of its choices or out of its bounds."""
    for name, field in parameters_of(part).items():
        value, bounds = getattr(part, name), field.metadata
        if value not in (bounds["choices"] or (value,)):
            raise UserError(f"{of}{name}={value!r} is unknown: {nearest(str(value), bounds['choices'])}")
        if not isinstance(value, int | float) or isinstance(value, bool):
            continue
        if not (math.isfinite(value) and value > bounds["above"]):
            raise UserError(f"{of}{name}={value} must be above {bounds['above']:g}")
        if not value < bounds["below"]:
            raise UserError(f"{of}{name}={value} must be below {bounds['below']:g}")
        if value < bounds["least"] and bounds["most"] == math.inf:
            raise UserError(f"{of}{name}={value} must be at least {bounds['least']:g}")
        if not bounds["least"] <= value <= bounds["most"]:
            raise UserError(f"{of}{name}={value} must be from {bounds['least']:g} to {bounds['most']:g}")


def checked(name: str, value: Any, annotation: Any) -> Any:
    """`value` as its declared type (1 becomes 1.0 for a float, so that equal choices have equal digests)."""
    optional = isinstance(annotation, types.UnionType)
    wanted = typing.get_args(annotation)[0] if optional else annotation
    if value is None and optional:
        return None
    if wanted is float and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if wanted is not float and isinstance(value, wanted) and isinstance(value, bool) == (wanted is bool):
        return value
    raise UserError(
        f"{name}={value!r} must be {'a finite number' if wanted is float else 'of type ' + wanted.__name__}"
    )


def json_object(name: str, text: str) -> dict[str, Any]:
    """The object that a text field holds; a UserError where it is none."""
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UserError(f"{name}={text[:40]!r} is no JSON object")
    return found


def is_built_in(part: Any) -> bool:
    """Whether a part (a class, a function or an instance) belongs to this project."""
    module = getattr(part, "__module__", None) or type(part).__module__
    return module.partition(".")[0] in BUILT_IN


def file_digest(path: Path) -> str:
    """SHA-256 of a file, first 16 hex digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def source_digest(part: Any) -> str:
    """SHA-256 of the file that defines a part, first 16 hex digits; a UserError where it is in no file."""
    defined = part if inspect.isclass(part) or inspect.isroutine(part) else type(part)
    try:
        return file_digest(Path(inspect.getfile(defined)))
    except (TypeError, OSError):
        raise UserError(
            f"{defined.__qualname__} is defined in no file: put it into one, so that runs can name it"
        ) from None


def same_definition(*both: Any) -> bool:
    """Whether two parts are one definition, imported twice; each lambda is another one."""
    a, b = ((getattr(part, "__module__", None), getattr(part, "__qualname__", "<lambda>")) for part in both)
    return a == b and not a[1].endswith("<lambda>")
