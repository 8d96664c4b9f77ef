"""`python -m binarygan.export`."""

from binarygan.cli.commands import leave
from binarygan.cli.export import main

if __name__ == "__main__":
    leave(main)
