"""The Pareto front: what no other trial beats in every metric."""

import numpy as np


def front(values: np.ndarray) -> np.ndarray:
    """(n,) of bool for `values` (n, metrics), lower is better: rows that none is as good as in all and better in one.

    >>> front(np.array([[1.0, 5.0], [2.0, 2.0], [3.0, 3.0], [2.0, 2.0]])).tolist()
    [True, True, False, True]
    """
    beaten = [bool(((values <= row).all(axis=1) & (values < row).any(axis=1)).any()) for row in values]
    return ~np.array(beaten, dtype=bool)
