"""The paper's Figure 4 in numbers: functions of a histogram of preactivated outputs in 1000 bins over [0, 1].

A preactivated output is p = sigmoid(s a): a is the logit of the output unit, s the slope.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from binarygan.lazy import torch
from binarygan.metrics.measured import Measured
from binarygan.metrics.names import OF_PREACTIVATED, metric

if TYPE_CHECKING:
    from torch import Tensor

HISTOGRAM_BINS = 1000
WIDE = 4
"""Bins of 0.004, a 250th, are what the paper's figure has: four of ours."""
SIDES = 5
_metric = partial(metric, of="preactivated", light=True)


@dataclass(frozen=True, eq=False)
class Histogram(Measured):
    """Counts (1000,) of preactivated outputs."""

    counts: Tensor


def histogram(preactivated: Tensor) -> Tensor:
    """Counts of preactivated outputs (any shape) in 1000 equal bins over [0, 1], int64; NaN is left out."""
    values = preactivated.flatten()
    values = values[~values.isnan()]
    bins = (values * HISTOGRAM_BINS).floor().clamp_(0, HISTOGRAM_BINS - 1).long()
    return torch.bincount(bins, minlength=HISTOGRAM_BINS)


def of_histogram(counts: Tensor) -> dict[str, float]:
    """All metrics of a histogram (1000,)."""
    whole = Histogram(counts)
    return {m.name: m.measure(whole) for m in OF_PREACTIVATED}


def shares(whole: Histogram) -> Tensor:
    """Of each bin: (1000,), float64."""
    return whole.counts.double() / whole.counts.sum()


def wide_shares(whole: Histogram) -> Tensor:
    """Of each bin of 0.004: (250,), float64."""
    return whole.of(shares).view(-1, WIDE).sum(1)


@_metric("preactivated_first_bin", "first bin", "share of preactivated outputs below 0.004", "target", most=1)
def first_bin(whole: Histogram) -> float:
    return float(whole.of(wide_shares)[0])


@_metric("preactivated_last_bin", "last bin", "share of preactivated outputs from 0.996 on", "target", most=1)
def last_bin(whole: Histogram) -> float:
    return float(whole.of(wide_shares)[-1])


@_metric("preactivated_middle_mass", "mass in [0.3, 0.7]", "share of preactivated outputs", "target", most=1)
def middle_mass(whole: Histogram) -> float:
    return float(whole.of(shares)[300:700].sum())


@_metric("preactivated_entropy", "entropy", "of the histogram in 250 bins, nats", "target")
def entropy(whole: Histogram) -> float:
    wide = whole.of(wide_shares)
    return float(-torch.special.xlogy(wide, wide).sum())


@_metric(
    "preactivated_notch",
    "notch at 0.5",
    "1 - density around 0.5 over what its sides predict",
    "target",
    most=1,
    least=-inf,
)
def notch_depth(whole: Histogram) -> float:
    return whole.of(notch)[0]


@_metric("preactivated_notch_error", "notch, error", "its measurement error in one run", "lower")
def notch_error(whole: Histogram) -> float:
    return whole.of(notch)[1]


def notch(whole: Histogram) -> tuple[float, float]:
    """How much is missing at 0.5, and the standard error of that.

    The count in the bin of width 0.004 around 0.5 against a line through the five such bins on either side:
    1 - count / prediction; 0 without a notch, 1 where nothing is left. The error is the prediction's, from the
    scatter of the ten sides about their line or from counting alone, whichever is larger (values of one image are not
    independent, so counting alone would claim too much). NaN where the sides are empty.
    """
    middle = HISTOGRAM_BINS // 2
    reach = WIDE // 2 + SIDES * WIDE
    wide = whole.counts[middle - reach : middle + reach].double().view(-1, WIDE).sum(1).cpu().numpy()
    centre, sides = wide[SIDES], np.delete(wide, SIDES)
    offsets = np.delete(np.arange(-SIDES, SIDES + 1), SIDES)
    if not sides.sum():
        return float("nan"), float("nan")
    slope, predicted = np.polyfit(offsets, sides, 1)
    scatter = ((sides - (predicted + slope * offsets)) ** 2).sum() / (len(sides) - 2)
    variance = max(scatter, predicted) * (1 + 1 / len(sides))  # of the bin about its prediction
    return float(1 - centre / predicted), float(np.sqrt(variance) / predicted)
