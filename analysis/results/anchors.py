"""The released code's runs and the floor of real images, which studies of MNIST are set beside."""

from functools import lru_cache
from pathlib import Path

import pandas as pd

from analysis.results.load import load_study
from analysis.results.study import Study, mnist_digest


@lru_cache(maxsize=1)
def load_anchors() -> Study:
    """The released code's runs and the floor of real images, measured by the code that measures ours."""
    return load_study(Path(__file__).parents[1] / "anchors")


def anchors_for(study: Study) -> pd.DataFrame:
    """Those anchors that are of the study's data: none where it trained on something else than MNIST.

    Nor is there any where all its runs are compared with validation images: anchors are compared with the test images.
    """
    anchors = load_anchors().members
    if (study.members["reference"] == "validation").all():
        return anchors.iloc[:0]
    digests = anchors["data_digest"].fillna(mnist_digest())  # real images are of no run, so that they have none
    return anchors[digests.isin(study.members["data_digest"])].reset_index(drop=True)
