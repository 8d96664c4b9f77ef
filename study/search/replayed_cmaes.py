"""CMA-ES whose state is worked out from the trials each time, never unpickled from where they are kept."""

from typing import TYPE_CHECKING, Any

from optuna.samplers import CmaEsSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

if TYPE_CHECKING:
    from optuna._transform import _SearchSpaceTransform


class ReplayedCmaEsSampler(CmaEsSampler):
    """Optuna's keeps its optimizer as a pickle among a trial's attributes, which whoever hands on a study's folder or
    writes to its database could exchange for code. Here every generation is told again, milliseconds each.
    """

    _completed: list[FrozenTrial]

    def _restore_optimizer(self, completed_trials: list[FrozenTrial]) -> None:
        self._completed = completed_trials

    def _split_optimizer_str(self, optimizer_str: str) -> dict[str, str]:
        """What is written of the optimizer: nothing."""
        return {}

    def _init_optimizer(self, trans: "_SearchSpaceTransform", direction: StudyDirection) -> Any:
        """The optimizer after all whole generations among the completed trials."""
        optimizer = super()._init_optimizer(trans, direction)
        sign = 1 if direction == StudyDirection.MINIMIZE else -1
        while (
            len(found := self._get_solution_trials(self._completed, optimizer.generation)) >= optimizer.population_size
        ):
            told = found[: optimizer.population_size]
            optimizer.tell([(trans.transform(t.params), sign * t.value) for t in told if t.value is not None])
        return optimizer
