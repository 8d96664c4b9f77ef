"""`python -m binarygan.evaluate`."""

import sys

from binarygan.cli.evaluate import main
from binarygan.lazy import also_a_function

also_a_function(__name__)

if __name__ == "__main__":
    sys.exit(main())
