"""GANs whose generators end in binary neurons: data, networks, objectives, training.

PyTorch only: no Ray, no Parquet writing, no command line. Importing the package itself imports nothing heavy.
"""

__version__ = "0.1.0"
