"""Trained generators: sampling, finding, files for use elsewhere."""
