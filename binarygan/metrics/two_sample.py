"""Can a classifier tell samples from reference images?"""

from __future__ import annotations

from binarygan.metrics.feature_distances import between, manifold, share_nearer
from binarygan.metrics.measured import ImageSet
from binarygan.metrics.names import metric


@metric("two_sample", "1-NN accuracy", "1-nearest-neighbour two-sample test; 0.5: indistinguishable", "target", most=1)
def two_sample(samples: ImageSet, reference: ImageSet) -> float:
    """The leave-one-out accuracy of a 1-nearest-neighbour classifier of samples against reference images, the mean of
    both sets' accuracies; a tie counts half (Lopez-Paz & Oquab 2017, arXiv 1610.06545).
    """
    both = samples.of(between, reference)
    of_reference = share_nearer(reference.of(manifold).nearest, both.to_samples)
    return (of_reference + share_nearer(samples.of(manifold).nearest, both.to_reference)) / 2
