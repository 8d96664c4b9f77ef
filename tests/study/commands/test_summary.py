"""What a command says at its end."""

from pathlib import Path

import numpy as np
import pytest
from cohorts import cohort, train

from binarygan.data.images import Images
from study.commands.summary import chosen_by, summarize


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


def test_a_search_says_which_images_chose() -> None:
    with_test, without = (Images("mine", np.zeros((160, 98), np.uint8), None, train=train) for train in (120, 160))
    assert chosen_by("validation", with_test) == (
        "chosen by 20 images that were held out of training; no test image was looked at: "
        "report once, by the next command, on the test split"
    )
    assert chosen_by("validation", without) == (
        "chosen by 26 images that were held out of training: mine has no test split to report on: "
        "for a report keep other images apart"
    )
    assert chosen_by("test", with_test).startswith("chosen by 40 test images: what is reported on them is flattered")
    assert chosen_by("test", without).startswith("chosen by 160 training images: what is reported on them is flattered")
