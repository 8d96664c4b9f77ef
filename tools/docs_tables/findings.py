"""The tables of docs/findings.md."""

from collections.abc import Iterable

import pandas as pd

from analysis.results.anchors import load_anchors
from analysis.results.cells import cells_of
from binarygan.paper import ALL_NEURONS, BINARY, EXPERIMENTS
from tools.docs_tables.measured import measured
from tools.docs_tables.named import TABLES, Table
from tools.docs_tables.runs import (
    Runs,
    classes,
    each,
    fixed,
    mean,
    mean_of_digits,
    named,
    published,
    released,
    runs_of,
    spread,
    table_of,
)

FID, SEEDS = ("FID", spread("fid")), ("FID of each seed", each("fid", 1))
NORM, CLASSES = ("norm in D", lambda runs: runs.norm), ("classes", classes)
PRECISION, RECALL, COVERAGE = ((name, mean(name, 3)) for name in ("precision", "recall", "coverage"))
CHECK, ISOLATED = ("FID (check)", mean_of_digits("fid_check")), ("isolated", mean("isolated_pixel_rate", 4))
NAMED, NEURON = ("", named), ("", lambda runs: runs.neuron)


def of_appendix(members: pd.DataFrame, seeds: int | None = None) -> list[Runs]:
    """The appendix's configurations, those with a norm in D first."""
    chosen = (cell.choices("as-released") for cell in EXPERIMENTS["appendix"].cells)
    found = (runs_of(members, c["objective"], c["neuron"], norm=c["discriminator_norm"], seeds=seeds) for c in chosen)
    return [own for runs in found for own in runs]


def of_neurons(
    members: pd.DataFrame,
    neurons: Iterable[str] = ALL_NEURONS,
    *,
    architecture: str = "mlp",
    seeds: int | None = None,
) -> list[Runs]:
    """WGAN-GP without a norm in D: once for each neuron and binarization."""
    found = (runs_of(members, "wgan-gp", neuron, architecture=architecture, seeds=seeds) for neuron in neurons)
    return [own for runs in found for own in runs]


@TABLES.named("appendix-three-seeds")
def appendix_three_seeds() -> Table:
    columns = (
        *(NAMED, NORM, SEEDS, ("mean ± sd", spread("fid")), ("classes", each("classes_covered", 0)), RECALL, COVERAGE),
        ("released: FID", released(each("fid", 1))),
        ("classes", released(classes)),
    )
    return table_of(of_appendix(published("paper-as-released").members, 3), columns)


@TABLES.named("appendix-as-described")
def appendix_as_described() -> Table:
    """Beside the same configurations as released, whose norm in D is an affine map."""
    described, released_ = published("appendix-as-described").members, published("paper-as-released").members
    rows = []
    for cell in EXPERIMENTS["appendix"].cells:
        own, other = (
            runs_of(members, c["objective"], c["neuron"], norm=c["discriminator_norm"])[0]
            for members, c in (
                (m, cell.choices(f)) for m, f in ((described, "as-described"), (released_, "as-released"))
            )
        )
        rows.append(
            [named(own), own.norm, each("fid", 1)(own), classes(own), other.norm, spread("fid")(other), classes(other)]
        )
    heads = ["norm in D", "FID of each seed", "classes"]
    return Table(["", *heads, "as released: norm in D", "FID", "classes"], rows)


@TABLES.named("cnn-three-seeds")
def cnn_three_seeds() -> Table:
    columns = (NEURON, SEEDS, ("mean ± sd", spread("fid")), CHECK, PRECISION, RECALL, COVERAGE, CLASSES, ISOLATED)
    return table_of(of_neurons(published("paper-as-released").members, architecture="cnn", seeds=3), columns)


@TABLES.named("neurons-ten-seeds")
def neurons_ten_seeds() -> Table:
    real = of_neurons(published("paper-as-released").members, ["real"], seeds=10)
    binary = of_neurons(published("appendix-ten-seeds").members, BINARY, seeds=10)
    return table_of(
        [*real, *binary], (NEURON, ("FID, mean ± sd", spread("fid")), CHECK, PRECISION, RECALL, COVERAGE, ISOLATED)
    )


@TABLES.named("appendix-ten-seeds")
def appendix_ten_seeds() -> Table:
    def range_(runs: Runs) -> str:
        values = runs.values("fid")
        return f"{values.min():.1f}, {values.max():.1f}"

    columns = (
        *(NAMED, NORM, FID, ("least, most", range_), CLASSES, RECALL, COVERAGE),
        ("released: FID", released(each("fid", 1))),
    )
    return table_of(of_appendix(published("appendix-ten-seeds").members, 10), columns)


@TABLES.named("appendix-first-seed")
def appendix_first_seed() -> Table:
    rows = []
    found = of_appendix(published("paper-as-released").members, 1)
    for dbn, sbn in zip(found[::2], found[1::2], strict=True):
        both = (dbn, sbn)
        fids = [each("fid", 1)(own) for own in both]
        theirs = [f" ({text})" if (text := released(each("fid", 1))(own)) else "" for own in both]
        of_both = (", ".join(entry(own) for own in both) for entry in (classes, mean("recall", 3)))
        rows.append([dbn.part("objective"), dbn.norm, *map("".join, zip(fids, theirs, strict=True)), *of_both])
    return Table(["", "norm in D", "DBN", "SBN", "classes", "recall"], rows)


@TABLES.named("neurons-three-seeds")
def neurons_three_seeds() -> Table:
    columns = (
        *(NEURON, ("FID of each seed", each("fid", 2)), ("mean ± sd", spread("fid"))),
        ("released code, one run", released(each("fid", 2))),
        *(("FID∞", mean("fid_inf", 1)), PRECISION, RECALL, COVERAGE, ISOLATED),
    )
    return table_of(of_neurons(published("paper-as-released").members, seeds=3), columns)


@TABLES.named("figure-4-bins")
def figure_4_bins() -> Table:
    """First and last bin of Figure 4, beside what the paper writes into it."""
    rows = []
    paper = {row[0]: row[1:] for row in measured("figure-4-of-the-paper").rows}
    for own in of_neurons(published("paper-as-released").members, seeds=3):
        if own.binarization == "bernoulli":
            continue  # the same histogram
        of_bin = {}
        for bin_ in ("first", "last"):
            entry = mean_of_digits(f"preactivated_{bin_}_bin", 3)
            of_bin[bin_] = [entry(own), released(entry)(own)]
        name = own.neuron.split(",")[0]
        rows.append([name, *(text for b, p in zip(of_bin, paper[name], strict=True) for text in (p, *of_bin[b]))])
    heads = [f"{b} bin: {who}" for b in ("first", "last") for who in ("paper", "ours", "released code")]
    return Table(["", *heads], rows)


@TABLES.named("released-code")
def released_code() -> Table:
    """Every run of the released code, then real images."""
    anchors = load_anchors().members
    theirs = [
        own
        for cell in cells_of(anchors).to_dict("records")
        for own in runs_of(anchors, cell["objective"], cell["neuron"], norm=cell["discriminator_norm"])
    ]
    numbers = (
        *(("FID", mean("fid", 2)), ("FID∞", mean("fid_inf", 2)), ("FID (check)", mean("fid_check", 2))),
        ("KID", mean("kid", 2)),
        *(PRECISION, RECALL, ("density", mean("density", 3)), COVERAGE, ("1-NN", mean("two_sample", 3))),
        *(CLASSES, ("class KL", mean("class_kl", 3)), ISOLATED),
    )
    columns = (("objective", lambda runs: runs.part("objective")), NORM, ("neuron", lambda runs: runs.neuron), *numbers)
    table = table_of(theirs, columns)
    floor = Runs(anchors[anchors["member_id"] == "real-images"])
    return Table(table.heads, [*table.rows, ["real images", "", "", *(entry(floor) for _, entry in numbers)]])


@TABLES.named("five-epochs")
def five_epochs() -> Table:
    """Rows that do not ship any more, and the released code's."""
    kept = measured("five-epochs")
    theirs = [
        [
            "released code, 20 epochs" if not i else "",
            own.neuron,
            *(mean(metric, 1)(own) for metric in ("fid", "fid_inf")),
            *(mean(metric, 3)(own) for metric in ("precision", "recall", "coverage", "ink")),
            fixed(own.values("isolated_pixel_rate")[0], 4),
            fixed(own.values("preactivated_middle_mass")[0], 3),
            "" if own.binarization == "bernoulli" else _notch(own),
        ]
        for i, own in enumerate(of_neurons(load_anchors().members))
    ]
    return Table(kept.heads, [*kept.rows, *theirs])


def _notch(runs: Runs) -> str:
    value, error = (runs.values(f"preactivated_notch{ending}")[0] for ending in ("", "_error"))
    return f"{value:.3f} ± {error:.3f}"
