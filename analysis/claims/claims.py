"""The paper's nine claims, the eighth in two parts, each declared with its test, and their verdicts.

Thresholds were set when the first two runs of full length had all but ended, with the released code's runs and studies
of five epochs known; each says what it rests on, and each verdict at which other thresholds it would be another one.
The tests came later, in place of t tests of means, which err too often where runs have two modes or outliers. A claim
is judged within one fidelity: where a study holds runs of two, each gets verdicts of its own, from its runs alone.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.claims.comparisons import Exceeds, FewerParameters, Level, Similar, Together, Trained
from analysis.claims.evidence import Evidence, Measure
from analysis.claims.verdicts import Claim, Verdict, adjusted, verdict_on
from analysis.results.study import mnist_digest
from binarygan.config import ARCHITECTURES
from binarygan.metrics.names import BERNOULLI
from binarygan.paper import BINARY, EXPERIMENTS, FIDELITIES, Cell, paper_config

__all__ = ["CLAIMS", "Claim", "Verdict", "judge"]

SIMILAR = 1.5
"""FIDs within this factor are of similar quality: less than the last 15 of 20 epochs bring (DBN: 1.7)."""
BETTER = 1.1
"""An FID lower by this factor is better. (A smaller one can be real, and two that are similar can differ by more.)"""
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
QUALITY = (FID, Measure(name="FID (check)", columns=("fid_check",), log=True, quality=True))
"""By both extractors: a claim of quality has to hold by both."""
ARTIFACTS = tuple(
    Measure(name=name, columns=(column,), log=True, quality=True, by_extractor=False)
    for name, column in (
        ("patch KL", "patch_kl"),
        ("isolated pixels", "isolated_pixel_rate"),
        ("components", "components"),
    )
)
_SPREAD: dict[str, Any] = {"by_extractor": False}
MIDDLE = Measure(name="mass in [0.3, 0.7]", columns=("preactivated_middle_mass",), **_SPREAD)
ENDS = Measure(name="mass in the end bins", columns=("preactivated_first_bin", "preactivated_last_bin"), **_SPREAD)
NOTCH_DEPTH = Measure(name="notch at 0.5", columns=("preactivated_notch",), **_SPREAD)
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

_PAIRS = "of two runs, one of each, the first is above by more than the threshold more often than not, one-sided"
_WHY_PAIRS = (
    "The test is Brunner and Munzel's by permutation together with Welch's: it holds whatever the shape of the "
    "scatter, where a mean could not be tested. Seeds are not paired."
)
_WHY_BETTER = (
    "Better means a tenth, about what the seeds of a WGAN-GP scatter by at most. FID is skewed and compared as a "
    "ratio, by both extractors."
)
_WHY_TOST = (
    "A test that finds no difference does not show that there is none, so similar quality has to be shown as such, by "
    "both extractors."
)
_TOST = "two one-sided tests that runs' FIDs are within the factor; against: that they are beyond it"
_COUNT = "count of runs on either side of the threshold (sign test, one-sided)"


def _similar(a: Cell, b: Cell) -> Together:
    return Together(tuple(Similar(cells=(a, b), measure=m, factor=SIMILAR) for m in QUALITY))


def _worse(a: Cell, b: Cell, **ending: str) -> Together:
    """The FID of the first is above that of the second."""
    return Together(tuple(Exceeds(cells=(a, b), measure=m, by=BETTER, **ending) for m in QUALITY))


CLAIMS = (
    Claim(
        number="1",
        statement="GANs with DBNs or SBNs train end to end and give digits of similar quality.",
        source="Figure 3",
        parts=(
            Trained(cells=(DBN, SBN), classes=CLASSES, coverage=DIGITS),
            _similar(DBN, SBN),
        ),
        metric="runs that trained to digits (done, ten classes, coverage); FID by both extractors",
        test=f"count of runs; {_TOST}",
        threshold=f"every run: {CLASSES} classes, coverage above {DIGITS}; FID within a factor of {SIMILAR}",
        why=f"{_WHY_TOST} A run that diverged did not train.",
    ),
    Claim(
        number="2",
        statement="DBN's preactivated outputs are spread more evenly: more of their mass lies in the middle.",
        source="Figure 4",
        parts=(
            Exceeds(cells=(DBN, SBN), measure=MIDDLE, by=MASS),
            Exceeds(cells=(DBN, REAL), measure=MIDDLE, by=MASS),
        ),
        metric=MIDDLE.name,
        test=_PAIRS,
        threshold=f"more by {MASS} of all outputs, than SBN's and than the real-valued neuron's",
        why=f"A difference can be real and too small to see in the figure. {_WHY_PAIRS}",
    ),
    Claim(
        number="3",
        statement="DBN's histogram has a notch at the threshold 0.5.",
        source="Figure 4",
        parts=(Level(cells=(DBN,), measure=NOTCH_DEPTH, threshold=NOTCH, above=True, error_column=NOTCH_ERROR),),
        metric="share of the density that is missing in the bin at 0.5",
        test=f"{_COUNT}, where it is further from it than its own measurement error",
        threshold=f"a notch of more than {NOTCH}",
        why="What is less than the paper's own counting noise at 0.5 (about eighty values) it could not have seen.",
    ),
    Claim(
        number="4",
        statement="SBN's preactivated outputs lie closer to 0 and 1 than DBN's.",
        source="Figure 4, first and last bins",
        parts=(Exceeds(cells=(SBN, DBN), measure=ENDS, by=MASS),),
        metric="share of outputs below 0.004 or from 0.996 on",
        test=_PAIRS,
        threshold=f"more by {MASS} of all outputs",
        why=f"These are the bins that the figure annotates. {_WHY_PAIRS}",
    ),
    Claim(
        number="5",
        statement="The real-valued model's histogram is more U-shaped than SBN's and has no notch.",
        source="Figure 4",
        parts=(
            Exceeds(cells=(REAL, SBN), measure=ENDS, by=MASS),
            Level(cells=(REAL,), measure=NOTCH_DEPTH, threshold=NOTCH, above=False, error_column=NOTCH_ERROR),
        ),
        metric="share of outputs below 0.004 or from 0.996 on; share of the density missing at 0.5",
        test=f"{_PAIRS}; for the notch: {_COUNT}",
        threshold=f"more by {MASS} of all outputs at the ends; a notch of less than {NOTCH}",
        why="That no notch is found does not show that there is none, so it has to be shown to be small.",
    ),
    Claim(
        number="6",
        statement="WGAN gives similar quality to WGAN-GP.",
        source="Figure 6",
        parts=tuple(_similar(WGAN[n], WGAN_GP[n]) for n in BINARY),
        metric="FID by both extractors",
        test=_TOST,
        threshold=f"within a factor of {SIMILAR}, for DBN and for SBN",
        why=_WHY_TOST,
    ),
    Claim(
        number="7",
        statement="GAN, with {norm} in D, suffers from mode collapse.",
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
        test=f"class KL: {_COUNT}; recall and coverage against WGAN-GP's: {_PAIRS}",
        threshold=f"class KL above ln(10/9) = {ONE_CLASS:.3f}, one class of ten lost; recall and coverage lower by "
        f"{SHARE}; for DBN and for SBN",
        why="Poor samples alone lower recall and coverage, and a few stray samples can raise recall: only all three "
        "signs together are collapse, and only the lack of all three speaks against it.",
    ),
    Claim(
        number="8a",
        statement="The CNN captures the characteristics of digits better than the MLP, with fewer parameters.",
        source="Figure 7, and the sentence on parameters",
        parts=(
            *(_worse(WGAN_GP[n], CNN[n]) for n in (*BINARY, "real")),
            _worse(REAL, CNN["real"], ending=BERNOULLI),
            FewerParameters(fewer="cnn", more="mlp"),
        ),
        metric="FID by both extractors; trainable parameters of G and D",
        test=f"{_PAIRS}; count of parameters",
        threshold=f"MLP's FID more than {BETTER} times CNN's, for DBN, SBN and the real-valued neuron (both "
        "binarizations); fewer parameters",
        why=f"{_WHY_BETTER} {_WHY_PAIRS}",
    ),
    Claim(
        number="8b",
        statement="The CNN's digits have fewer artifacts than the MLP's.",
        source="Figure 7",
        parts=tuple(
            Exceeds(cells=(WGAN_GP[n], CNN[n]), measure=m, by=BETTER, ending=ending)
            for m in ARTIFACTS
            for n, ending in (*((n, "") for n in BINARY), ("real", ""), ("real", BERNOULLI))
        ),
        metric="patch KL, isolated pixels and components: what is in the pixels, whatever digit they are of",
        test=_PAIRS,
        threshold=f"MLP's more than {BETTER} times CNN's, by each of the three, for DBN, SBN and the real-valued "
        "neuron (both binarizations)",
        why=f"The paper judged by eye; of real digits all three are lower than of either network. {_WHY_PAIRS}",
    ),
    Claim(
        number="9",
        statement="WGAN works better without {norm} in D than with it.",
        source="appendix, Figure 8",
        parts=tuple(_worse(WITH_NORM[n], WITHOUT_NORM[n]) for n in BINARY),
        metric="FID by both extractors",
        test=f"{_PAIRS}, on log FID",
        threshold=f"FID with it more than {BETTER} times that without, for DBN and for SBN",
        why=f"{_WHY_BETTER} {_WHY_PAIRS}",
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
        verdicts += adjusted([verdict_on(claim, evidence, fidelity) for claim in claims])
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
