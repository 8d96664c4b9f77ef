"""The paper's Figure 4 in numbers: functions of a histogram of preactivated outputs in 1000 bins over [0, 1]."""

import numpy as np
import torch
from torch import Tensor

HISTOGRAM_BINS = 1000
WIDE = 4
"""Bins of 0.004, a 250th, are what the paper's figure has: four of ours."""
SIDES = 5


def histogram(preactivated: Tensor) -> Tensor:
    """Counts of preactivated outputs (any shape) in 1000 equal bins over [0, 1], int64; NaN is left out."""
    values = preactivated.flatten()
    values = values[~values.isnan()]
    places = (values * HISTOGRAM_BINS).floor().clamp_(0, HISTOGRAM_BINS - 1).long()
    return torch.bincount(places, minlength=HISTOGRAM_BINS)


def of_histogram(counts: Tensor) -> dict[str, float]:
    """All metrics of a histogram (1000,): shares of the first and last of 250 bins, of [0.3, 0.7), entropy, notch."""
    shares = counts.double() / counts.sum()
    wide = shares.view(-1, WIDE).sum(1)
    depth, error = notch(counts)
    return {
        "preactivated_first_bin": float(wide[0]),
        "preactivated_last_bin": float(wide[-1]),
        "preactivated_middle_mass": float(shares[300:700].sum()),
        "preactivated_entropy": float(-torch.special.xlogy(wide, wide).sum()),
        "preactivated_notch": depth,
        "preactivated_notch_error": error,
    }


def notch(counts: Tensor) -> tuple[float, float]:
    """How much is missing at 0.5, and the standard error of that.

    The count in the bin of width 0.004 around 0.5 against a line through the five such bins on either side:
    1 - count / prediction; 0 without a notch, 1 where nothing is left. The error is the prediction's, from the
    scatter of the ten sides about their line or from counting alone, whichever is larger (values of one image are not
    independent, so counting alone would claim too much). NaN where the sides are empty.
    """
    middle = HISTOGRAM_BINS // 2
    reach = WIDE // 2 + SIDES * WIDE
    wide = counts[middle - reach : middle + reach].double().view(-1, WIDE).sum(1).cpu().numpy()
    centre, sides = wide[SIDES], np.delete(wide, SIDES)
    places = np.delete(np.arange(-SIDES, SIDES + 1), SIDES)
    if not sides.sum():
        return float("nan"), float("nan")
    slope, predicted = np.polyfit(places, sides, 1)
    scatter = ((sides - (predicted + slope * places)) ** 2).sum() / (len(sides) - 2)
    variance = max(scatter, predicted) * (1 + 1 / len(sides))  # of the bin about its prediction
    return float(1 - centre / predicted), float(np.sqrt(variance) / predicted)
