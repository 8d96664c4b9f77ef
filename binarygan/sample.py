"""`python -m binarygan.sample`."""

from binarygan.cli.commands import leave
from binarygan.cli.sample import main

if __name__ == "__main__":
    leave(main)
