"""`python -m binarygan.evaluate`."""

from binarygan.cli.commands import leave
from binarygan.cli.evaluate import main

if __name__ == "__main__":
    leave(main)
