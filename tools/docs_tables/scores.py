"""README's table of scores: our runs beside the released code's."""

from collections.abc import Sequence

from analysis.results.anchors import load_anchors
from binarygan.paper import BINARY, EXPERIMENTS
from tools.docs_tables.findings import of_neurons
from tools.docs_tables.named import TABLES, Table
from tools.docs_tables.runs import Column, Runs, classes, fixed, mean, published, runs_of, spread


def _percent(runs: Runs) -> str:
    share = 100 * float(runs.values("isolated_pixel_rate").mean())
    return f"{fixed(share, 2)}%"


_NUMBERS: Sequence[Column] = (
    *((name, mean(name, 3)) for name in ("precision", "recall", "coverage")),
    ("classes", classes),
    ("isolated pixels", _percent),
)


@TABLES.named("scores")
def scores() -> Table:
    """Each of the paper's configurations in its main experiments, the released code's run below ours."""
    ten, others = (published(name).members for name in ("appendix-ten-seeds", "paper-as-released"))
    ours = [
        *of_neurons(ten, BINARY),
        *of_neurons(others, ["real"]),
        *of_neurons(others, architecture="cnn"),
        *(
            own
            for cell in sorted(EXPERIMENTS["objectives"].cells, key=lambda cell: cell.objective, reverse=True)
            for own in runs_of(ten, cell.objective, cell.neuron, norm="affine" if cell.has_norm_in_d else "none")
        ),
    ]
    rows = []
    for own in ours:
        rows.append([f"ours, {_name(own)} ({len(own.rows)} seeds)", spread("fid")(own), *_rest(own)])
        if own.released:
            rows.append(["released code", mean("fid", 1)(own.released), *_rest(own.released)])
    anchors = load_anchors().members
    floor = Runs(anchors[anchors["member_id"] == "real-images"])
    rows.append(["real images (train against test)", mean("fid", 2)(floor), *_rest(floor)])
    return Table(["", "FID", *(head for head, _ in _NUMBERS)], rows)


def _rest(runs: Runs) -> list[str]:
    return [entry(runs) for _, entry in _NUMBERS]


def _name(runs: Runs) -> str:
    """`GAN, affine map in D, SBN`."""
    network = runs.part("architecture") if runs.rows.iloc[0]["architecture"] != "mlp" else ""
    norm = "affine map in D" if runs.norm == "affine" else ""
    return ", ".join(filter(None, (runs.part("objective"), network, norm, runs.neuron)))
