"""What stands in the files of a study: the columns of each table, the version of them all, the words for a status."""

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING
from functools import lru_cache
from typing import Any

import pyarrow as pa

from binarygan.config import MemberConfig
from binarygan.errors import UserError
from binarygan.metrics.names import METRICS, Live, columns

FINISHED = ("done", "diverged")
"""Statuses that another run would only repeat."""
STOPPED = "stopped"
"""Status of a member that a search's scheduler ended early: neither done nor to be gone on with."""
SCHEMA_VERSION = 2
"""In the metadata of every file and in study.json; raised where an old reader would misread what a new one writes."""
_VERSION = {"schema_version": str(SCHEMA_VERSION)}
_ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64()}


_GRADIENT = ("gradient_cosine", "gradient_variance")
"""How good the estimator's gradient is (binarygan.training.gradient_quality)."""
LATER: dict[str, Any] = {
    **{f.name: f.default for f in dataclasses.fields(MemberConfig) if f.default is not MISSING},
    **dict.fromkeys(("engine", *_GRADIENT, *(name for name, metric in METRICS.items() if metric.of == "gates"))),
}
"""Columns that the first results lack, and the value that all runs had until then, unless `SAME_AS` says that it was
another column's."""


def _config_fields() -> list[tuple[str, pa.DataType]]:
    hints = typing.get_type_hints(MemberConfig)
    names = [f.name for f in dataclasses.fields(MemberConfig)]
    return [(n, _ARROW[(typing.get_args(hints[n]) or (hints[n],))[0]]) for n in names]


_LOSSES = [("discriminator_loss", pa.float64()), ("generator_loss", pa.float64())]


@lru_cache(maxsize=4)
def _schemas(full: tuple[str, ...], light: tuple[str, ...]) -> dict[str, pa.Schema]:
    """The tables' schemas, with these columns of metrics in `members` and in `curves`."""
    of_epoch = [("member_id", pa.string()), ("epoch", pa.int64())]
    tables = {
        "members": [
            *((name, pa.string()) for name in ("study", "member_id", "cell_id", "fidelity")),
            *_config_fields(),
            ("status", pa.string()),
            ("error", pa.string()),
            *_LOSSES,
            *((name, pa.float64()) for name in full),
            ("extractors", pa.string()),  # digest of the weights that the metrics of features rest on
            ("seconds", pa.float64()),
            ("epochs_done", pa.int64()),
            ("device", pa.string()),
            ("versions", pa.string()),
            ("git_commit", pa.string()),
            ("engine", pa.string()),  # what computed the gradients; a name in binarygan.training.engines
            ("started_at", pa.timestamp("ms", tz="UTC")),
        ],
        "curves": [
            *of_epoch,
            ("slope", pa.float64()),
            *_LOSSES,
            *((name, pa.float64()) for name in _GRADIENT),
            *((name, pa.float64()) for name in light),
            ("seconds", pa.float64()),
            ("evaluation_seconds", pa.float64()),  # of them
        ],
        "samples": [
            *of_epoch,
            ("bits", pa.binary()),  # 64 images of 98 bytes each
            ("bernoulli_bits", pa.binary()),
            ("preactivated", pa.list_(pa.float32())),  # 64 x 784, in steps of 1/1024
        ],
        "histograms": [*of_epoch, ("bin_edges", pa.list_(pa.float64())), ("counts", pa.list_(pa.int64()))],
    }
    return {table: pa.schema(columns, metadata=_VERSION) for table, columns in tables.items()}


SCHEMAS = Live(lambda: _schemas(columns(light=False), columns(light=True)))
"""By table; with the columns of every metric that is registered."""
METRICS.reserve(name for schema in _schemas((), ()).values() for name in schema.names)
NEEDED = {
    "members": ("member_id", "status"),
    **dict.fromkeys(("curves", "samples", "histograms"), ("member_id", "epoch")),
}
"""Without these a file is none of ours."""


def schema_of(table: str, rows: Sequence[Mapping[str, Any]]) -> pa.Schema:
    """The table's schema, and after it the numbers that rows have beside it: a metric's whose plugin is not loaded."""
    schema = SCHEMAS[table]
    known = set(schema.names)
    for name in dict.fromkeys(name for row in rows for name in row if name not in known):
        if all(isinstance(row.get(name), float | None) for row in rows):
            schema = schema.append(pa.field(name, pa.float64()))
    return schema


def check_version(found: object, path: object) -> None:
    """A UserError where a file is of a version that this program does not know; files without one are of version 0."""
    try:
        version = int(found)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        raise UserError(f"{path} has no schema version but {str(found)[:40]!r}: it is damaged") from None
    if version > SCHEMA_VERSION:
        raise UserError(f"{path} is of schema version {version}; this program reads up to {SCHEMA_VERSION}: update it")
