"""Numbers for binary images and preactivated outputs. `names` lists them; `scores` computes them together."""
