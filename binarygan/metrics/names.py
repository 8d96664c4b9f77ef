"""Every metric's column, what it is and which way is better. No torch: tables and schemas read it, too."""

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Metric:
    """A metric's column and what is said of it."""

    name: str
    label: str
    meaning: str
    better: str
    """`lower`, `higher`, or `target`: as near as possible to what real images have."""
    light: bool = False
    """Measured after each epoch, not at the end alone."""
    most: float = inf
    """Largest value there can be."""
    least: float = 0.0
    """Smallest value there can be."""
    ratio: bool = False
    """Above 0, and its seeds scatter by a share of it: cells are compared by the ratio of it, on its logarithm."""
    counted: bool = False
    """A small whole number: the mean over seeds has no t interval."""


OF_IMAGES = (
    Metric("fid", "FID", "Fréchet distance of features to the reference images'", "lower", light=True, ratio=True),
    Metric("fid_inf", "FID∞", "FID extrapolated to infinitely many images", "lower", least=-inf),
    Metric("fid_check", "FID (check)", "FID by the second extractor", "lower", ratio=True),
    Metric("kid", "KID", "squared MMD of features, cubic kernel, unbiased", "lower", least=-inf),
    Metric("precision", "precision", "share of samples within the reference's manifold", "higher", most=1),
    Metric("recall", "recall", "share of reference images within the samples' manifold", "higher", most=1),
    Metric("density", "density", "reference neighbourhoods a sample lies in, over k", "higher"),
    Metric("coverage", "coverage", "share of reference images with a sample among their k nearest", "higher", most=1),
    Metric("class_kl", "class KL", "KL of the samples' class shares from the reference's, nats", "lower", light=True),
    Metric(
        "classes_covered", "classes", "classes with at least a tenth of their share", "higher", light=True, counted=True
    ),
    Metric(
        "mnist_score",
        "MNIST score",
        "exp of the mean KL of class probabilities from their mean",
        "higher",
        light=True,
        least=1,
    ),
    Metric("confidence", "confidence", "mean probability of the likeliest class", "target", light=True, most=1),
    Metric(
        "two_sample", "1-NN accuracy", "1-nearest-neighbour two-sample test; 0.5: indistinguishable", "target", most=1
    ),
    Metric("nearest_train_hamming", "to train", "pixels that differ from the nearest train image", "target"),
    Metric("nearest_test_hamming", "to test", "pixels that differ from the nearest test image", "target"),
    Metric(
        "closer_to_train",
        "closer to train",
        "how often train images are nearer than as many test images",
        "target",
        most=1,
    ),
    Metric("train_duplicates", "copies", "share of samples that equal a train image", "lower", most=1),
    Metric("unique_rate", "unique", "different samples over samples", "higher", light=True, most=1),
    Metric("ink", "ink", "share of pixels that are 1", "target", light=True, most=1),
    Metric("ink_distance", "ink W1", "Wasserstein-1 distance of ink counts, pixels", "lower", light=True),
    Metric("pixel_error", "pixel error", "mean absolute difference of pixels' means", "lower", light=True),
    Metric("covariance_error", "pair error", "relative error of the covariances of pixel pairs", "lower"),
    Metric("isolated_pixel_rate", "isolated", "share of ink with no ink around it", "lower", light=True, most=1),
    Metric("components", "components", "connected components of ink an image", "target"),
    Metric("patch_kl", "patch KL", "KL of 3×3 patches from the reference's, nats", "lower", light=True),
)
"""Of binary samples against reference images."""

OF_PREACTIVATED = (
    Metric(
        "preactivated_first_bin", "first bin", "share of preactivated outputs below 0.004", "target", light=True, most=1
    ),
    Metric(
        "preactivated_last_bin", "last bin", "share of preactivated outputs from 0.996 on", "target", light=True, most=1
    ),
    Metric(
        "preactivated_middle_mass", "mass in [0.3, 0.7]", "share of preactivated outputs", "target", light=True, most=1
    ),
    Metric("preactivated_entropy", "entropy", "of the histogram in 250 bins, nats", "target", light=True),
    Metric(
        "preactivated_notch",
        "notch at 0.5",
        "1 - density around 0.5 over what its sides predict",
        "target",
        light=True,
        most=1,
        least=-inf,
    ),
    Metric("preactivated_notch_error", "notch, error", "its measurement error in one member", "lower", light=True),
)
"""Of the histogram of preactivated outputs: the paper's Figure 4 in numbers."""

BY_NAME = {metric.name: metric for metric in (*OF_IMAGES, *OF_PREACTIVATED)}

BERNOULLI = "_bernoulli"
"""Ending of the columns of a real-valued member's samples by Bernoulli sampling; those without are by threshold."""


def columns(*, light: bool) -> tuple[str, ...]:
    """All columns of metrics in a table: `curves` (light) or `members`."""
    images = [m.name for m in OF_IMAGES if m.light or not light]
    return (*images, *(f"{n}{BERNOULLI}" for n in images), *(m.name for m in OF_PREACTIVATED))
