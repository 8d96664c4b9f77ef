"""What happens at a moment of a command that no signal from outside would hit; loaded into it as a plugin.

The environment says what: CHAOS_MOMENT is `kind:n`, at the n-th such moment, counted from 0; CHAOS_TRAINING is what
trainings meet each time, `memory` or `diverging`. What took effect is noted in the file CHAOS_TOOK.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from optuna.distributions import CategoricalDistribution
from optuna.storages.journal import JournalFileBackend

from binarygan.io import files
from study.design.grids import GRIDS, Grid, every
from study.design.spaces import SPACES, Parameter, Space
from study.search import trials
from study.store.store import Store

NEURONS, SLOPES = ["deterministic", "stochastic"], [1.0, 1.1]
MEMORY = 2
"""So many members are not too many."""


def took(what: str) -> bool:
    """Note it, if it was not noted before; whether it was not. (A study has a folder of notes of its own.)"""
    try:
        Path(os.environ["CHAOS_TOOK"], what).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def at_moment(kind: str, owner: Any, name: str, first: Callable[..., object] = lambda *_: None) -> None:
    """Kill this process at the n-th call of a function, after `first` was called with the function's arguments."""
    wanted, _, number = os.environ.get("CHAOS_MOMENT", "").partition(":")
    if wanted != kind:
        return
    original, calls = getattr(owner, name), iter(range(1 << 30))

    def disturbed(*words: Any, **more: Any) -> Any:
        if next(calls) == int(number) and took(f"killed in {kind}"):
            first(*words)
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*words, **more)

    setattr(owner, name, disturbed)


def tear(backend: JournalFileBackend, *_: object) -> None:
    """Half of a line, as if the write had been cut off, while the journal's lock is held."""
    backend._lock.acquire()
    with Path(backend._file_path).open("ab") as file:
        file.write(b'{"op_code":4,"worker')


def disturb_training() -> None:
    """A NaN in the second member's generator after its second epoch, or no memory for a cohort in its second epoch."""
    import torch

    from study.trials import trial

    what = os.environ["CHAOS_TRAINING"]

    class Disturbed(trial.Trainer):
        def train_epoch(self) -> Any:
            if what == "memory" and self.epochs_done == 1 and len(self.configs) > MEMORY:
                took("out of memory")
                raise torch.OutOfMemoryError("out of memory")
            losses = super().train_epoch()
            if what == "diverging" and self.epochs_done == 2 and len(self.configs) > 1:
                took("diverged")
                with torch.no_grad():
                    self.generator.parameters["0.weight"][1, 0, 0] = torch.nan
            return losses

    trial.Trainer = Disturbed  # type: ignore[misc]


at_moment("the journal's write", JournalFileBackend, "append_logs", tear)
at_moment("the end of a trial", trials, "close")
at_moment("a trial's write", Store, "append")
at_moment("a write", files, "_flush")
if os.environ.get("CHAOS_TRAINING") and ("study.trials.trial" in sys.modules or "local" in sys.argv):
    disturb_training()
if "chaos" not in SPACES:
    drawn = (
        Parameter("neuron", CategoricalDistribution(NEURONS)),
        Parameter("slope_rate", CategoricalDistribution(SLOPES)),
    )
    SPACES.register("chaos", Space("four cells", drawn))
    cells = lambda _: every(objective=["wgan-gp"], neuron=NEURONS, slope_rate=SLOPES)  # noqa: E731
    GRIDS.register("chaos-cells", Grid("all that the search may draw", cells))
