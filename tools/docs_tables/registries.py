"""The tables of what the registries have."""

import dataclasses
from typing import Any

from analysis import labels
from binarygan.config import MemberConfig
from binarygan.data.images import load_images
from binarygan.metrics.names import OF_GATES, OF_IMAGES, OF_PREACTIVATED
from binarygan.paper import FIDELITIES, paper_config
from binarygan.registry import is_built_in
from study.design.grids import GRIDS
from tools.docs_tables.named import TABLES, Table


@TABLES.named("metrics")
def metrics() -> Table:
    """Every metric."""
    rows = [
        [f"`{m.name}`", m.label, m.meaning, m.better, "yes" if m.light else ""]
        for m in (*OF_IMAGES, *OF_PREACTIVATED, *OF_GATES)
        if is_built_in(m.compute)
    ]
    return Table(["column", "label", "what it is", "better", "each epoch"], rows)


@TABLES.named("grids")
def grids() -> Table:
    """Every grid: the paper's by the variant that its figures came from."""
    rows = []
    for name, grid in ((n, g) for n, g in GRIDS.items() if is_built_in(g.choices)):
        before, after = ("", " --fidelity as-released") if name.startswith("paper") else ("beyond the paper: ", "")
        rows.append([before + grid.shows, f"`python study/run.py --grid {name}{after}`"])
    return Table(["what it trains", "command"], rows)


@TABLES.named("fidelities")
def fidelities() -> Table:
    """The fields in which the two variants differ."""
    variants = [_settings(name) for name in FIDELITIES]
    fields = [f.name for f in dataclasses.fields(MemberConfig) if len({str(v[f.name]) for v in variants}) > 1]
    notes = {"discriminator_norm": " (of GAN)", "slope_rate": " (of binary neurons)"}
    rows = [
        [f"`{field}`{notes.get(field, '')}", *(labels.value(variant[field]) for variant in variants)]
        for field in fields
    ]
    return Table(["field", *(f"`{name}`" for name in FIDELITIES)], rows)


def _settings(fidelity: str) -> dict[str, Any]:
    """A GAN with DBNs: all that a variant has of its own shows in it."""
    data = load_images("mnist")
    chosen: dict[str, Any] = {"objective": "gan", "neuron": "deterministic", "data_digest": data.digest}
    split = paper_config(fidelity=fidelity, train_images=data.train, **chosen).split
    return paper_config(fidelity=fidelity, train_images=data.count(split), **chosen).to_dict()
