"""Figures of the experiments beyond the paper: estimators, normalization, clipping, annealing, gates."""
