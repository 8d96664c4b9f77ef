"""The sections of the report on the paper's experiments and on three of our own: which runs and which grid each has."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from analysis.results.cells import deviations, label, lacking, members_of
from analysis.statistics.gates import of_gates, sentence
from binarygan import paper
from binarygan.paper import Cell


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A section of the report."""

    name: str
    title: str
    short: str
    """In the page's list of sections."""
    shows: str
    """What is to be seen, in a sentence or two."""
    choose: Callable[[pd.DataFrame], pd.DataFrame] | None = None
    """The runs of an experiment that is not the paper's."""
    says: Callable[[pd.DataFrame], str] | None = None
    """What the numbers of its runs say."""
    varies: tuple[str, ...] = ()
    """Fields that its table names for every configuration."""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The paper's configurations that it compares."""
        return () if self.choose else paper.EXPERIMENTS[self.name].cells

    @property
    def grid(self) -> str:
        """What `study/run.py --grid` trains for it."""
        return self.name if self.choose else f"paper-{self.name}"

    def members(self, members: pd.DataFrame) -> pd.DataFrame:
        """The study's runs that belong to it."""
        if self.choose is not None:
            return self.choose(members)
        found = [rows for cell in self.cells if len(rows := members_of(members, cell))]
        return pd.concat(found, ignore_index=True) if found else members.iloc[:0]

    def missing(self, members: pd.DataFrame) -> list[str]:
        """Its configurations that have no run that is done, and why."""
        lines = []
        for cell in self.cells:
            statuses = members_of(members, cell)["status"]
            if statuses.empty:
                lines.append(f"{label(cell)}: {lacking(members, cell)}")
            elif not (statuses == "done").any():
                counts = ", ".join(f"{n} {status}" for status, n in statuses.value_counts().items())
                lines.append(f"{label(cell)}: no run is done ({counts})")
        return lines


def _annealing(members: pd.DataFrame) -> pd.DataFrame:
    """Rates of slope annealing, all else as in the paper; nothing where there is but one rate a neuron."""
    found = _of_main_model(members, {"slope_rate"})
    return found if found.groupby("neuron")["slope_rate"].nunique().gt(1).any() else found.iloc[:0]


def _fidelities(members: pd.DataFrame) -> pd.DataFrame:
    """Normalization real or affine, annealing on or off; nothing where there is but one normalization in G."""
    found = _of_main_model(members, {"generator_norm", "generator_output_norm", "slope_rate"})
    found = found[found["generator_norm"].isin(("batch", "affine"))]
    return found if found["generator_norm"].nunique() > 1 else found.iloc[:0]


def _of_main_model(members: pd.DataFrame, free: set[str]) -> pd.DataFrame:
    """WGAN-GP, MLP, no norm in D, and all that is not `free` as in the paper."""
    main = (members["objective"] == "wgan-gp") & (members["architecture"] == "mlp")
    found = members[main & (members["discriminator_norm"] == "none")]
    cells = found.drop_duplicates("cell_id")
    fitting = [row["cell_id"] for _, row in cells.iterrows() if set(deviations(row)) <= free]
    return found[found["cell_id"].isin(fitting)].reset_index(drop=True)


EXPERIMENTS = (
    Experiment(
        name="neurons",
        title="Deterministic and stochastic binary neurons (Figures 3 and 4)",
        short="Neurons",
        shows="Digits of generators with DBNs and SBNs beside their preactivated outputs, and how these are "
        "distributed: the paper finds DBN's flatter, with a notch at the threshold, and SBN's nearer to 0 and 1.",
    ),
    Experiment(
        name="real-valued",
        title="Real-valued neurons, binarized after training (Figure 5)",
        short="Real-valued",
        shows="Training real-valued outputs and binarizing them afterwards, by threshold or by Bernoulli sampling: "
        "what binary neurons are held against.",
    ),
    Experiment(
        name="objectives",
        title="GAN and WGAN (Figure 6)",
        short="Objectives",
        shows="The two other objectives: the paper finds WGAN's digits as good as WGAN-GP's, and mode collapse in GAN.",
    ),
    Experiment(
        name="architectures",
        title="The CNN (Figure 7)",
        short="CNN",
        shows="A convolutional generator and discriminator, with fewer parameters than the MLP: the paper finds its "
        "digits better.",
    ),
    Experiment(
        name="appendix",
        title="Objectives with and without normalization in D (Figure 8)",
        short="Appendix",
        shows="The paper's appendix: every objective with and without normalization in D. It finds that WGAN works "
        "better without.",
    ),
    Experiment(
        name="slope-annealing",
        title="Rates of slope annealing",
        short="Slope annealing",
        shows="The slope of the sigmoid is multiplied by the rate after each epoch: 1.1 in the paper's text, 1 (none) "
        "in its code.",
        choose=_annealing,
        varies=("slope_rate",),
    ),
    Experiment(
        name="fidelity",
        title="What the paper describes against what its code does",
        short="Fidelity",
        shows="Batch normalization or an affine map in its place, slope annealing or none, crossed: the effect of each "
        "deviation of the released code from the paper's text.",
        choose=_fidelities,
        varies=("generator_norm", "generator_output_norm", "slope_rate"),
    ),
    Experiment(
        name="gates",
        title="Conditional computation: gates on the generator's hidden units",
        short="Gates",
        shows="Binary neurons that read z switch blocks of the generator's hidden units on and off for each image; a "
        "loss holds the share that is on to its target. The line to beat is a plain MLP of as many hidden units as are "
        "on: gates are worth their while where they do better.",
        choose=lambda members: of_gates(members)[0],
        says=sentence,
        varies=("part_parameters",),
    ),
)
