"""Launching trials: the only room that imports Ray. What Ray itself keeps is thrown away."""

import os

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_GLOBAL_CHECKPOINT_S", "86400")  # Tune's state is never restored
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")  # Tune's handler waits for its actors
os.environ.setdefault("TUNE_DISABLE_STRICT_METRIC_CHECKING", "1")  # some metrics are measured only at the end
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")  # the new output prints a box even when it is told to be quiet
