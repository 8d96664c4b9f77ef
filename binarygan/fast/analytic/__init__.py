"""Gradients of a piecewise-linear discriminator, derived by hand."""
