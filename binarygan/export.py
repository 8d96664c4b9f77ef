"""`python -m binarygan.export`."""

import sys

from binarygan.cli.export import main

if __name__ == "__main__":
    sys.exit(main())
