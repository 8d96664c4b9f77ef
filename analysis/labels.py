"""What tables and figures call the values of the columns, in which order these come, and how they are drawn.

A part (a neuron, an objective, a network, a norm, …) that is unknown here is shown as it is written.
"""

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from binarygan.config import PARTS
from binarygan.errors import UserError
from binarygan.metrics.names import METRICS, Live
from binarygan.model.activations import ACTIVATIONS
from binarygan.model.neurons import NEURONS
from binarygan.model.norms import NORMS
from binarygan.paper import normalizes_discriminator
from binarygan.registry import Registry, json_object, parameters_of

NOTHING = "–"
"""What stands where there is no value."""
BLUE, ORANGE, BLACK, GREEN = "#0072B2", "#E69F00", "#000000", "#009E73"
PURPLE, SKY, VERMILLION = "#CC79A7", "#56B4E9", "#D55E00"


@dataclass(frozen=True)
class Look:
    """A series' colour (Okabe and Ito's palette, light to dark in greyscale, too), line and marker."""

    colour: str
    line: Any
    marker: str


LOOKS = (
    Look(BLUE, "-", "o"),
    Look(ORANGE, (0, (5, 1.5)), "s"),
    Look(BLACK, (0, (5, 1.5, 1, 1.5)), "^"),
    Look(GREEN, (0, (1, 1.2)), "v"),
    Look(PURPLE, (0, (8, 2)), "D"),
    Look(SKY, (0, (3, 1, 1, 1, 1, 1)), "P"),
)
"""For any series, in turn."""


_KINDS: dict[str, Registry[Any]] = {**PARTS, "norm": NORMS, "activation": ACTIVATIONS}
"""Column, or kind of part -> the registry whose parts say what they are called, in the order of tables and charts."""
BINARIZATIONS = {"none": "", "threshold": ", threshold", "bernoulli": ", Bernoulli"}
"""How, and what the name of a cell or of its neuron has more for it."""
_BERNOULLI = LOOKS[3]
STATUSES = {
    "done": "done",
    "failed": "failed",
    "diverged": "diverged",
    "running": "not at its end",
    "stopped": "stopped early",
}
SETTINGS = {
    "generator_norm": "norm in G",
    "generator_output_norm": "norm on G's output",
    "discriminator_norm": "norm in D",
    "slope_rate": "slope rate",
    "learning_rate": "learning rate",
    "train_images": "images",
    "data_digest": "data with digest",
    "dtype": "precision",
    "reference": "compared with",
}
"""Fields of a configuration whose name is not label enough."""
_COLUMNS = {
    "source": "source",
    "fidelity": "fidelity",
    "objective": "objective",
    "architecture": "network",
    "discriminator_norm": "norm in D",
    "output": "neuron",
    "settings": "unlike the paper",
    "trial": "trial",
    "members": "runs",
    **STATUSES,
    "discriminator_loss": "D loss",
    "generator_loss": "G loss",
    "seconds": "seconds",
}
COLUMNS = Live(lambda: _COLUMNS | {name: metric.label for name, metric in METRICS.items()})
MEANINGS = Live(lambda: {name: metric.meaning for name, metric in METRICS.items()})


def part(kind: str, name: str) -> str:
    """What a part is called; `kind` is a column of runs, `norm` or `activation`.

    >>> part("neuron", "stochastic"), part("objective", "hinge")
    ('SBN', 'hinge')
    """
    registry = _KINDS.get(kind)
    if registry is None or name not in registry:
        return name
    return str(getattr(registry[name], "label", name))


def neuron(name: str, binarization: str = "none") -> str:
    """What a neuron is called, and how its outputs were binarized.

    >>> neuron("real", "bernoulli")
    'real-valued, Bernoulli'
    """
    return part("neuron", name) + BINARIZATIONS[binarization]


def is_real_valued(neuron: object) -> bool:
    """Whether a neuron's outputs are binarized after training, in two ways."""
    return isinstance(neuron, str) and neuron in NEURONS and not NEURONS[neuron].binary


def norm_in_d(name: str) -> str:
    """What a discriminator's norm is called.

    >>> norm_in_d("batch"), norm_in_d("none")
    ('BN in D', 'no norm in D')
    """
    return f"{part('norm', name) or 'no norm'} in D"


def norm_if_news(objective: str, norm: str | bool) -> str:
    """What a discriminator's norm is called where the paper has none, or "no norm" where it has one; else empty.

    `norm`: its name, or whether there is one.
    """
    if (norm not in ("none", False)) == normalizes_discriminator(objective):
        return ""
    return norm_in_d(norm) if isinstance(norm, str) else "norm in D" if norm else "no norm in D"


def rank(kind: str, name: object) -> float:
    """The position of a name in the order of its kind, that of all tables and charts; unknown names come last."""
    known = list(_KINDS.get(kind, ()))
    return float(known.index(name)) if name in known else float(len(known))


def look(neuron: str, binarization: str = "none") -> Look:
    """How a neuron's series is drawn: by Bernoulli sampling in another way than by threshold."""
    if binarization == "bernoulli":
        return _BERNOULLI
    if neuron in NEURONS and "colour" in vars(kind := NEURONS[neuron]):
        return Look(kind.colour, kind.line, kind.marker)
    return LOOKS[4 + zlib.crc32(neuron.encode()) % (len(LOOKS) - 4)]


def field(name: str) -> str:
    """What a field of a configuration is called."""
    return SETTINGS.get(name, name.replace("_", " ").replace(".", " "))


def setting(name: str, of: object) -> str:
    """A field of a configuration with its value.

    >>> setting("slope_rate", 1.05), setting("train_images", 6400)
    ('slope rate 1.05', 'images 6,400')
    >>> setting("part_parameters", '{"architecture.blocks": 16, "architecture.target_share": 0.25}')
    'blocks 16, target share 0.25'
    """
    if name == "part_parameters":
        given = parameters(of)
        names = [key.partition(".")[2] for key in given]  # with the part's field ahead where two parts have one of it
        shown = [name if names.count(name) == 1 else key for key, name in zip(given, names, strict=True)]
        own = [f"{field(name)} {value(x)}" for name, x in zip(shown, given.values(), strict=True)]
        return ", ".join(own) or "no part parameters"
    return f"{field(name)} {value(of)}"


def choice(name: str, of: object) -> str:
    """A value of a field, by the name that figures and tables have for it.

    >>> choice("neuron", "stochastic"), choice("batch_size", 64), choice("learning_rate", 0.000312345)
    ('SBN', '64', '0.0003123')
    """
    if isinstance(of, float):
        return f"{of:.4g}"
    return part(name, of) if name in PARTS and isinstance(of, str) else value(of)


def chosen(name: str, row: Mapping[Any, Any]) -> str:
    """What a run's row chooses for a field, with those of the part's own parameters that are not its defaults.

    >>> own = '{"estimator.backward_slope": 2.0}'
    >>> chosen("estimator", {"estimator": "decoupled", "part_parameters": own})
    'decoupled, backward slope 2'
    >>> chosen("discriminator_norm", {"discriminator_norm": "none", "part_parameters": ""})
    'none'
    """
    words = [choice(name, row[name]) or "none"]
    own = parameters(row["part_parameters"])
    if name in PARTS and row[name] in PARTS[name]:
        for parameter, declared in parameters_of(PARTS[name][row[name]]).items():
            given = own.get(f"{name}.{parameter}", declared.default)
            words += [f"{field(parameter)} {value(given)}"] if given != declared.default else []
    return ", ".join(words)


def parameters(text: object) -> dict[str, Any]:
    """A row's `part_parameters`: `<field>.<parameter>` -> value; empty where it is no JSON object."""
    try:
        return json_object("part_parameters", text) if isinstance(text, str) else {}
    except UserError:
        return {}


def value(of: object) -> str:
    """A value as a reader has it: numbers without superfluous digits."""
    if not isinstance(of, Real):
        return str(of)
    number = float(of)
    return f"{number:,.0f}" if number.is_integer() and abs(number) >= 1000 else f"{number:g}"


def number(value: float, digits: int = 4) -> str:
    """In four significant digits; an exponent for the very small alone.

    >>> number(161.261), number(10.5), number(0.006241), number(0.0000312), number(12345.6), number(7.0)
    ('161.3', '10.50', '0.006241', '3.12e-05', '12346', '7')
    >>> number(float("nan"))
    '–'
    """
    if math.isnan(value):
        return NOTHING
    if math.isinf(value) or (value.is_integer() and abs(value) < 1e9):
        return f"{value:.0f}".replace("inf", "∞")
    if not 1e-4 <= abs(value) < 1e9:
        return f"{value:.3g}"
    return f"{value:.{decimals(value, digits)}f}"


def decimals(value: float, digits: int) -> int:
    """Of a number with so many significant digits."""
    return 0 if value == 0 or math.isinf(value) else max(0, digits - 1 - math.floor(math.log10(abs(value))))
