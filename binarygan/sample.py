"""`python -m binarygan.sample`."""

import sys

from binarygan.cli.sample import main
from binarygan.lazy import also_a_function

also_a_function(__name__)

if __name__ == "__main__":
    sys.exit(main())
