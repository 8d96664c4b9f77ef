"""The paper's nine claims, each declared with its test, and their verdicts.

Thresholds were set before any study of full length was judged, with the released code's runs and studies of five epochs
known (docs/findings.md); each says what it rests on. A claim is judged within one
fidelity: where a study holds runs of two, each fidelity gets nine verdicts of its own, from its runs alone.
"""

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.claims.comparisons import Exceeds, FewerParameters, Level, Similar, Together, Trained
from analysis.claims.evidence import Evidence, Measure
from analysis.claims.verdicts import Claim, Verdict, verdict_on
from analysis.results.load import mnist_digest
from binarygan.config import ARCHITECTURES
from binarygan.metrics.names import BERNOULLI
from binarygan.paper import BINARY, EXPERIMENTS, FIDELITIES, Cell, paper_config

__all__ = ["CLAIMS", "Claim", "Verdict", "judge"]

SIMILAR = 1.5
"""FIDs within this factor are of similar quality: less than the last 15 of 20 epochs bring (DBN: 1.7)."""
BETTER = 1.1
"""A mean FID lower by this factor is better; the seeds of one cell have standard deviations of 4 to 7%."""
MASS = 0.05
"""Of all preactivated outputs: 39 of an image's 784. In the paper's figure the end bins differ by 0.11 and more."""
NOTCH = 0.1
"""Smallest notch worth the name: the paper's bin at 0.5 holds about eighty values, whose counting noise is 0.11."""
ONE_CLASS = math.log(10 / 9)
"""Nats: the class KL of samples that lack one class of ten and are right otherwise."""
SHARE = 0.1
"""Of the test images, for recall and coverage: as much as one class in ten."""
CLASSES = 10
DIGITS = 0.1
"""Coverage from which on samples are digits: random bits have 0.002, real images 0.95. (Precision would not do: random
bits have 0.98, since their features lie among those of digits.)"""

FID = Measure(name="FID", columns=("fid",), log=True, quality=True)
MIDDLE = Measure(name="mass in [0.3, 0.7]", columns=("preactivated_middle_mass",))
ENDS = Measure(name="mass in the end bins", columns=("preactivated_first_bin", "preactivated_last_bin"))
NOTCH_DEPTH = Measure(name="notch at 0.5", columns=("preactivated_notch",))
NOTCH_ERROR = "preactivated_notch_error"
CLASS_KL = Measure(name="class KL", columns=("class_kl",), log=True)
RECALL = Measure(name="recall", columns=("recall",))
COVERAGE = Measure(name="coverage", columns=("coverage",))
COVERED = Measure(name="classes", columns=("classes_covered",))


def _cells(experiment: str, objective: str, norm_in_d: bool | None = None) -> dict[str, Cell]:
    """The cells of one of the paper's experiments by their neuron."""
    cells = EXPERIMENTS[experiment].cells
    return {c.neuron: c for c in cells if (c.objective, c.norm_in_d) == (objective, norm_in_d)}


WGAN_GP, CNN = _cells("neurons", "wgan-gp"), _cells("architectures", "wgan-gp")
WGAN, GAN = _cells("objectives", "wgan"), _cells("objectives", "gan")
WITH_NORM, WITHOUT_NORM = (_cells("appendix", "wgan", norm) for norm in (True, False))
DBN, SBN, REAL = WGAN_GP["deterministic"], WGAN_GP["stochastic"], WGAN_GP["real"]

_WELCH = "Welch's t test over seeds, one-sided"
_WHY_WELCH = (
    "Seeds are not paired: with three of them pairs would halve the degrees of freedom, and where pairs do agree "
    "Welch's test errs on the careful side."
)
_WHY_BETTER = (
    "Better means a mean lower by a tenth, more than the standard deviation over seeds. FID is skewed and compared as "
    "a ratio."
)
_WHY_TOST = (
    "A test that finds no difference does not show that there is none, so similar quality has to be shown as such."
)
_TOST = "TOST over seeds (two Welch tests) on log FID; against: a difference shown to be beyond the margin"

CLAIMS = (
    Claim(
        number=1,
        statement="GANs with DBNs or SBNs train end to end and give digits of similar quality.",
        source="Figure 3",
        parts=(
            Trained(cells=(DBN, SBN), classes=CLASSES, coverage=DIGITS),
            Similar(cells=(DBN, SBN), measure=FID, factor=SIMILAR),
        ),
        metric="runs that trained to digits (done, ten classes, coverage); FID",
        test=f"count of runs; {_TOST}",
        threshold=f"every run: {CLASSES} classes, coverage above {DIGITS}; FID within a factor of {SIMILAR}",
        why=f"{_WHY_TOST} A run that diverged did not train.",
    ),
    Claim(
        number=2,
        statement="DBN's preactivated outputs are spread more evenly: more of their mass lies in the middle.",
        source="Figure 4",
        parts=(
            Exceeds(cells=(DBN, SBN), measure=MIDDLE, by=MASS),
            Exceeds(cells=(DBN, REAL), measure=MIDDLE, by=MASS),
        ),
        metric=MIDDLE.name,
        test=_WELCH,
        threshold=f"more by {MASS} of all outputs, than SBN's and than the real-valued neuron's",
        why=f"A difference can be real and too small to see in the figure. {_WHY_WELCH}",
    ),
    Claim(
        number=3,
        statement="DBN's histogram has a notch at the threshold 0.5.",
        source="Figure 4",
        parts=(Level(cells=(DBN,), measure=NOTCH_DEPTH, threshold=NOTCH, above=True, error_column=NOTCH_ERROR),),
        metric="share of the density that is missing in the bin at 0.5",
        test="one-sample t test over seeds, one-sided, the spread no less than each run's own measurement error",
        threshold=f"a notch of more than {NOTCH}",
        why="What is less than the paper's own counting noise at 0.5 (about eighty values) it could not have seen.",
    ),
    Claim(
        number=4,
        statement="SBN's preactivated outputs lie closer to 0 and 1 than DBN's.",
        source="Figure 4, first and last bins",
        parts=(Exceeds(cells=(SBN, DBN), measure=ENDS, by=MASS),),
        metric="share of outputs below 0.004 or from 0.996 on",
        test=_WELCH,
        threshold=f"more by {MASS} of all outputs",
        why=f"These are the bins that the figure annotates. {_WHY_WELCH}",
    ),
    Claim(
        number=5,
        statement="The real-valued model's histogram is more U-shaped than SBN's and has no notch.",
        source="Figure 4",
        parts=(
            Exceeds(cells=(REAL, SBN), measure=ENDS, by=MASS),
            Level(cells=(REAL,), measure=NOTCH_DEPTH, threshold=NOTCH, above=False, error_column=NOTCH_ERROR),
        ),
        metric="share of outputs below 0.004 or from 0.996 on; share of the density missing at 0.5",
        test=f"{_WELCH}; one-sample t test over seeds that the notch is small",
        threshold=f"more by {MASS} of all outputs at the ends; a notch of less than {NOTCH}",
        why="That no notch is found does not show that there is none, so it has to be shown to be small.",
    ),
    Claim(
        number=6,
        statement="WGAN gives similar quality to WGAN-GP.",
        source="Figure 6",
        parts=tuple(Similar(cells=(WGAN[n], WGAN_GP[n]), measure=FID, factor=SIMILAR) for n in BINARY),
        metric="FID",
        test=_TOST,
        threshold=f"within a factor of {SIMILAR}, for DBN and for SBN",
        why=_WHY_TOST,
    ),
    Claim(
        number=7,
        statement="GAN suffers from mode collapse.",
        source="Figure 6",
        parts=tuple(
            Together(
                (
                    Level(cells=(GAN[n],), measure=CLASS_KL, threshold=ONE_CLASS, above=True),
                    Exceeds(cells=(WGAN_GP[n], GAN[n]), measure=RECALL, by=SHARE),
                    Exceeds(cells=(WGAN_GP[n], GAN[n]), measure=COVERAGE, by=SHARE),
                )
            )
            for n in BINARY
        ),
        shown=tuple((cells[n], COVERED) for cells in (GAN, WGAN_GP) for n in BINARY),
        metric="class KL, recall and coverage (classes covered beside them)",
        test=f"one-sample t test over seeds on log class KL; {_WELCH} on recall and coverage against WGAN-GP's",
        threshold=f"class KL above ln(10/9) = {ONE_CLASS:.3f}, one class of ten lost; recall and coverage lower by "
        f"{SHARE}; for DBN and for SBN",
        why="Poor samples alone lower recall and coverage, and a few stray samples can raise recall: only all three "
        "signs together are collapse, and only the lack of all three speaks against it.",
    ),
    Claim(
        number=8,
        statement="The CNN gives better digits than the MLP with fewer parameters.",
        source="Figure 7, and the sentence on parameters",
        parts=(
            *(Exceeds(cells=(WGAN_GP[n], CNN[n]), measure=FID, by=BETTER) for n in (*BINARY, "real")),
            Exceeds(cells=(REAL, CNN["real"]), measure=FID, by=BETTER, ending=BERNOULLI),
            FewerParameters(fewer="cnn", more="mlp"),
        ),
        metric="FID; trainable parameters of G and D",
        test=f"{_WELCH}, on log FID; count",
        threshold=f"MLP's FID more than {BETTER} times CNN's, for DBN, SBN and the real-valued neuron (both "
        "binarizations); fewer parameters",
        why=f"{_WHY_BETTER} {_WHY_WELCH}",
    ),
    Claim(
        number=9,
        statement="WGAN works better without batch normalization in D.",
        source="appendix, Figure 8",
        parts=tuple(Exceeds(cells=(WITH_NORM[n], WITHOUT_NORM[n]), measure=FID, by=BETTER) for n in BINARY),
        metric="FID",
        test=f"{_WELCH}, on log FID",
        threshold=f"FID with it more than {BETTER} times that without, for DBN and for SBN",
        why=f"{_WHY_BETTER} {_WHY_WELCH}",
    ),
)


def judge(
    members: pd.DataFrame, *, claims: Sequence[Claim] = CLAIMS, parameters: Mapping[str, int] | None = None
) -> list[Verdict]:
    """A verdict on each claim for each fidelity among the runs; `not tested` for each where there are none.

    The claims are about binarized MNIST and full-length training: runs of other data are not judged, and shorter
    training is inconclusive, with what it points to. `parameters`: trainable numbers by architecture, counted from the
    networks unless given.
    """
    known = [f for f in FIDELITIES if (members["fidelity"] == f).any()]
    verdicts = []
    for fidelity in known or [""]:
        own = members[members["fidelity"] == fidelity]
        mnist = own[own["data_digest"] == mnist_digest()]
        if len(own) and mnist.empty:
            there = own[["data", "data_digest"]].fillna("unknown").drop_duplicates().itertuples(index=False)
            names = ", ".join(sorted(f"{name} (digest {digest})" for name, digest in there))
            lines = (f"the claim is about binarized MNIST; this study is of {names}",)
            verdicts += [Verdict(claim=c, verdict="not tested", lines=lines, fidelity=fidelity) for c in claims]
            continue
        evidence = Evidence(mnist, parameters or _parameters(fidelity or FIDELITIES[0]))
        verdicts += [verdict_on(claim, evidence, fidelity) for claim in claims]
    return verdicts


def _parameters(fidelity: str) -> dict[str, int]:
    """Trainable numbers of G and D with WGAN-GP, from the paper's networks in a variant."""
    counts = {}
    for architecture in ARCHITECTURES:
        config = paper_config(
            fidelity=fidelity, objective="wgan-gp", architecture=architecture, data_digest="-", train_images=64
        )
        networks = config.generator_layers(), config.discriminator_layers()
        counts[architecture] = sum(network.parameter_count() for network in networks)
    return counts
