"""What a command says at its end."""

from pathlib import Path

import pytest
from cohorts import cohort, train

from study.commands.summary import summarize


@pytest.mark.usefixtures("few_samples")
def test_a_member_that_diverged_is_named_and_the_status_is_1(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = cohort(tiny, 2, epochs=1)
    store = train(tiny, tmp_path, whole)
    assert summarize(store, whole.members) == 0
    member_id = whole.members[1].member_id
    [row] = store.read("members", member_id)
    lost = {"status": "diverged", "error": "epoch 1: generator_loss is nan \x1b[31m\nand more"}
    store.write("members", member_id, [row | lost])
    capsys.readouterr()
    assert summarize(store, whole.members) == 1
    said = capsys.readouterr().out
    assert "1 diverged, 1 done" in said
    assert f"{member_id} gan mlp deterministic D norm affine seed 1: diverged: epoch 1: generator_loss is nan" in said
    assert "\x1b" not in said
