"""How many members are trained together."""

from collections.abc import Callable

import pytest

from binarygan.paper import paper_config
from study.cost.cohort_size import best_size, fastest_sizes
from study.design.cohorts import members_of


@pytest.mark.long
def test_the_fastest_size_is_measured() -> None:
    config = paper_config(
        fidelity="as-described",
        objective="gan",
        data_digest="x",
        train_images=64,
        epochs=1,
        latent_size=2,
        batch_size=2,
    )
    with fastest_sizes("cpu") as size_of:
        assert size_of(members_of([config], 17)) in (16, 17)


def test_a_size_that_does_not_fit_is_not_taken() -> None:
    def holding(most: int) -> Callable[[int], float]:
        def seconds(size: int) -> float:
            if size > most:
                raise RuntimeError("CUDA error: out of memory")
            return 1.0

        return seconds

    assert [best_size(100, holding(most)) for most in (0, 1, 5, 16, 50, 64, 99, 100)] == [1, 1, 4, 16, 32, 64, 64, 100]
    with pytest.raises(RuntimeError, match="illegal"):
        best_size(100, lambda _: raised(RuntimeError("CUDA error: an illegal memory access was encountered")))


def test_the_rest_of_a_few_members_is_trained_with_the_others() -> None:
    """Eighteen members cost what sixteen do and an eighth: no more an hour, and no fewer."""
    assert best_size(18, lambda size: float(size)) == 18
    assert best_size(32, lambda size: float(size)) == 16
    assert best_size(18, lambda size: 1.0 if size == 16 else 2.0) == 16


def raised(error: Exception) -> float:
    raise error
