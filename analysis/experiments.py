"""The sections of the report on the paper's experiments and on our own: which runs and which grid each has."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from analysis import labels
from analysis.results.cells import as_in_the_paper, by_status, label, lacking, members_of
from analysis.statistics.gates import of_gates, sentence
from binarygan import paper
from binarygan.paper import Cell

PLACEMENTS = ("generator_norm", "generator_output_norm", "discriminator_norm")


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
    """Fields that its table names for every configuration, and by which its figure calls them."""
    things: str = ""
    """What these are, in the plural: of an experiment whose figure and sentence compare its configurations by FID."""

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
            own = members_of(members, cell)
            if own.empty:
                lines.append(f"{label(cell)}: {lacking(members, cell)}")
            elif not (own["status"] == "done").any():
                lines.append(f"{label(cell)}: no run is done ({by_status(own)})")
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


def _estimators(members: pd.DataFrame) -> pd.DataFrame:
    """Estimators of binary neurons with their own parameters; nothing where there is but one."""
    found = _of_main_model(members, {"estimator", "part_parameters", "part_sources"})
    real = found["neuron"].map(labels.is_real_valued).astype(bool)
    own = found["part_parameters"].map(lambda text: all(n.startswith("estimator.") for n in labels.parameters(text)))
    found = found[~real & own.astype(bool)].reset_index(drop=True)
    return found if found["estimator"].nunique() > 1 else found.iloc[:0]


def _placements(members: pd.DataFrame) -> pd.DataFrame:
    """Norms of G and D; nothing where one of the three placements has but one kind."""
    found = _of_main_model(members, {*PLACEMENTS})
    return found if all(found[name].nunique() > 1 for name in PLACEMENTS) else found.iloc[:0]


def _clipping(members: pd.DataFrame) -> pd.DataFrame:
    """WGAN, MLP, with a norm in D, all of D clipped or all but its norms; nothing where there is but one of these."""
    wgan = members["objective"].isin(("wgan", "wgan-weights")) & (members["architecture"] == "mlp")
    found = as_in_the_paper(members[wgan & (members["discriminator_norm"] != "none")], {"discriminator_norm"})
    return found if found["objective"].nunique() > 1 else found.iloc[:0]


def _of_main_model(members: pd.DataFrame, free: set[str]) -> pd.DataFrame:
    """WGAN-GP, MLP, no norm in D unless it is `free`, and all else that is not `free` as in the paper."""
    main = (members["objective"] == "wgan-gp") & (members["architecture"] == "mlp")
    norms = (members["discriminator_norm"] == "none") | ("discriminator_norm" in free)
    return as_in_the_paper(members[main & norms], free)


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
        things="slope rates",
    ),
    Experiment(
        name="estimators",
        title="Gradient estimators",
        short="Estimators",
        shows="What stands in for the gradient of a binary neuron, which is 0 almost everywhere: the sigmoid-adjusted "
        "straight-through estimator in the paper. Which estimator gives the best digits?",
        choose=_estimators,
        varies=("estimator",),
        things="estimators",
    ),
    Experiment(
        name="normalization",
        title="Where normalization is, and of which kind",
        short="Normalization",
        shows="Norms on G's hidden layers, on its output layer and in D: batch normalization on G's hidden layers "
        "alone in the paper's text, an affine map on all of G in its code. Which placement gives the best digits?",
        choose=_placements,
        varies=PLACEMENTS,
        things="placements of norms",
    ),
    Experiment(
        name="clipping",
        title="WGAN with a norm in D: what is clipped",
        short="Clipping",
        shows="The released code clips the scales and shifts of D's norms along with its weights; a scale begins at "
        "1, so that clipping it to 0.01 shrinks a layer's output a hundredfold. Does WGAN with a norm in D learn where "
        "its norms are not clipped?",
        choose=_clipping,
        varies=("objective", "discriminator_norm"),
        things="ways to clip",
    ),
    Experiment(
        name="fidelity",
        title="What the paper describes against what its code does",
        short="Fidelity",
        shows="Batch normalization or an affine map in its place, slope annealing or none, crossed: the effect of each "
        "deviation of the released code from the paper's text.",
        choose=_fidelities,
        varies=("generator_norm", "generator_output_norm", "slope_rate"),
        things="combinations",
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
