"""What a trial trains on, and what it compares its samples with."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cohorts import cohort, table, train

from binarygan.errors import UserError
from binarygan.metrics.extractor import extractors_digest
from study.design.cohorts import Cohort
from study.store.store import Store
from study.store.take_over import trained_elsewhere

pytestmark = pytest.mark.usefixtures("few_samples", "committed")


def held_out(source: Path, train_images: int = 107) -> Cohort:
    [member] = cohort(source, 1, epochs=1).members
    fields = {"split": "train", "reference": "validation", "train_images": train_images}
    return Cohort((dataclasses.replace(member, **fields),))


def test_what_is_held_out_reaches_scores_alone(tiny: Path, tmp_path: Path) -> None:
    """The last 21 of 128 images are other ones: the same training, the same copies, another distance."""
    digits = np.load(tiny)
    other = tmp_path / "other.npy"
    np.save(other, np.concatenate([digits[:107], digits[:21, ::-1]]))
    one, two = (
        table(train(source, tmp_path, held_out(source), study), "members").iloc[0]
        for source, study in ((tiny, "one"), (other, "two"))
    )
    for column in ("discriminator_loss", "generator_loss", "nearest_train_hamming", "ink"):
        assert one[column] == two[column], column
    for column in ("fid", "nearest_test_hamming", "pixel_error"):
        assert one[column] != two[column], column


def test_its_row_says_what_it_was_compared_with_and_by_which_extractors(tiny: Path, tmp_path: Path) -> None:
    whole = held_out(tiny)
    row = table(train(tiny, tmp_path, whole, "first"), "members").iloc[0]
    assert (row["reference"], row["extractors"]) == ("validation", extractors_digest("validation"))
    member_id = whole.members[0].member_id
    found = trained_elsewhere(Store(tmp_path, "second"), [member_id])
    assert found.usable == {member_id: "first"}, "measured as it would be here"
    store = Store(tmp_path, "first")
    store.write("members", member_id, [store.read("members", member_id)[0] | {"extractors": extractors_digest()}])
    assert not trained_elsewhere(Store(tmp_path, "second"), [member_id]).usable
    test = cohort(tiny, 1, epochs=1)
    assert table(train(tiny, tmp_path, test, "third"), "members").iloc[0]["extractors"] == extractors_digest()


def test_training_on_what_is_held_out_is_refused(tiny: Path, tmp_path: Path) -> None:
    too_many = held_out(tiny, train_images=108)
    with pytest.raises(UserError, match=r"train_images=108: .* 107 images of digits.npy are trained on"):
        train(tiny, tmp_path, too_many)
    rows = pd.DataFrame([row for m in too_many.members for row in Store(tmp_path, "s").read("members", m.member_id)])
    assert rows["status"].tolist() == ["failed"]
