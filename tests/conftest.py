"""Every test process computes with one thread: as trials do, and so that two of them do not fight for the cores."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
