"""Memory, open files and threads over a long run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from running import write_digits

TRAIN = """
import json, sys
from pathlib import Path
import psutil
from binarygan.metrics import evaluation
from binarygan.paper import paper_config
from binarygan.data.images import load_images
from study.design.cohorts import Cohort
from study.store.store import Store
from study.trials.task import Task
from study.trials.trial import train_cohort

evaluation.EVALUATION_SAMPLES = 256
data, root, epochs = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
images, own = load_images(data), psutil.Process()
fields = {"data": images.name, "data_digest": images.digest, "train_images": 64, "epochs": epochs}
member = paper_config(fidelity="as-released", objective="gan", critic_schedule="constant", critic_steps=1, **fields)
Store(root, "s").create()
task = Task(results=root, study="s", fidelity="as-released", source=data, root=None, device="cpu")
train_cohort(Cohort((member,)), task, lambda epoch, rows: print(
    json.dumps([epoch, own.memory_info().rss / 1e6, own.num_fds(), own.num_threads()]), flush=True))
"""


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_run_of_200_epochs_stays_as_it_was(tmp_path: Path) -> None:
    path = write_digits(tmp_path / "digits.npy")
    words = [sys.executable, "-c", TRAIN, str(path), str(tmp_path), "200"]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    (tmp_path / "measured.txt").write_text(said)
    measured = {epoch: rest for epoch, *rest in map(json.loads, said.splitlines())}
    assert len(measured) == 200
    (early, files, threads), (late, files_late, threads_late) = measured[20], measured[199]
    assert (files_late, threads_late) == (files, threads)
    assert late < 1.1 * early + 20, f"{early:.0f} MB after 20 epochs, {late:.0f} after 199"
