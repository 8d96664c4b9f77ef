"""The losses of short trainings as they were stored: whoever changes a configuration's numbers raises its revision.

The tolerance passes another processor's rounding and no changed formula. Between AVX-512 and SSE4 kernels of one
processor the losses differed, in float32, by 0.01% of the largest in the first epoch and by 0.13% in the second; in
bfloat16 by 0.15% and 0.5%.
"""

import json
from pathlib import Path

import net
import pytest
from members import trainer

STORED = json.loads((Path(__file__).parents[2] / "data" / "losses.json").read_text())
SHARES = {"float32": (0.001, 0.006), "bfloat16": (0.004, 0.015)}
"""By precision: what share of the largest loss the losses of the first and second epoch may differ by."""


@pytest.mark.parametrize("name", net.cases())
def test_losses_are_those_stored_for_the_revision(name: str) -> None:
    """Of the first epoch; of the MLP's cohorts, whose slopes grow, of the second, too."""
    members = net.cases()[name]
    stored = STORED[name]
    assert stored["revision"] == members[0].revision, (
        "the revision was raised: store the new losses with `python benchmarks/net.py --write tests/data/losses.json`"
    )
    made = trainer(*members)
    epochs = 2 if len(members) > 1 and members[0].architecture == "mlp" else 1
    for share, wanted in list(zip(SHARES[members[0].dtype], stored["losses"], strict=True))[:epochs]:
        losses = made.train_epoch()
        found = [*losses.discriminator_loss.tolist(), *losses.generator_loss.tolist()]
        allowed = share * max(map(abs, wanted))
        assert found == pytest.approx(wanted, rel=0, abs=allowed), (
            f"{name} gives other losses: raise the `revision` of the part that changed them (CONTRIBUTING.md)"
        )


def test_every_configuration_is_stored() -> None:
    assert set(STORED) == set(net.cases())
