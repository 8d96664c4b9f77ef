"""`python -m binarygan.evaluate`."""

import sys

from binarygan.cli.evaluate import main

if __name__ == "__main__":
    sys.exit(main())
