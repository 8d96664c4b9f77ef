"""`python -m binarygan.sample`."""

import sys

from binarygan.cli.sample import main

if __name__ == "__main__":
    sys.exit(main())
