"""Trials in this process, on real digits."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cohorts import cohort, train
from running import write_digits

from binarygan.errors import UserError
from study.store import provenance
from study.store.store import Store
from study.trials.recording import new_row
from study.trials.task import Task

pytestmark = pytest.mark.usefixtures("few_samples")


def test_a_plugin_is_loaded_in_the_trial_and_its_failure_is_the_trials(tiny: Path, tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text("from pathlib import Path\nPath(__file__).with_suffix('.loaded').touch()\n")
    whole = cohort(tiny, 1, epochs=1)
    train(tiny, tmp_path, whole, plugins=(str(plugin),))
    assert (tmp_path / "mine.loaded").exists()
    with pytest.raises(UserError, match=r"none\.py"):
        train(tiny, tmp_path, whole, "t", plugins=(str(tmp_path / "none.py"),))


def test_a_worker_with_other_sources_trains_nothing(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"the worker's sources in .* are not the command's \(0123\)"):
        train(tiny, tmp_path, cohort(tiny, 1, epochs=1), sources="0123")
    assert not Store(tmp_path, "s").ids()


def test_data_that_changed_since_the_study_was_planned_train_nothing(tiny: Path, tmp_path: Path) -> None:
    planned = cohort(tiny, 1, epochs=1)
    other = write_digits(tmp_path / "digits.npy", 64)
    with pytest.raises(UserError, match=r"digits\.npy changed since the study was planned: digest"):
        train(other, tmp_path, planned)
    [row] = Store(tmp_path, "s").statuses().values()
    assert (row["status"], row["epochs_done"]) != ("done", 1)


def test_a_row_says_which_code_ran(tiny: Path, tmp_path: Path) -> None:
    """Also where there is no commit."""
    given = {"fidelity": "as-released", "source": str(tiny), "root": None, "device": "cpu"}
    row = new_row(cohort(tiny, 1).members[0], Task(results=tmp_path, study="s", **given))
    assert json.loads(row["versions"])["sources"] == provenance.sources_digest()


def test_a_backend_of_a_notebook_reaches_no_trial(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster's nodes have an environment of their own; a plugin may plot."""
    monkeypatch.setenv("MPLBACKEND", "module://no_such.backend")
    plugin = tmp_path / "plotting.py"
    plugin.write_text("import os\nassert os.environ['MPLBACKEND'] == 'agg'\nraise KeyError('it was loaded')\n")
    with pytest.raises((KeyError, UserError), match="it was loaded"):
        train(tiny, tmp_path, cohort(tiny, 1, epochs=1), plugins=(str(plugin),))


def test_one_thread_whatever_the_environment_says() -> None:
    code = (
        "import numpy, scipy.linalg, torch, threadpoolctl\n"
        "from binarygan.arithmetic.process import use_one_thread\n"
        "use_one_thread()\n"
        "print({torch.get_num_threads(), *(p['num_threads'] for p in threadpoolctl.threadpool_info())})"
    )
    many = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "7")
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=many)
    assert outcome.stdout.strip() == "{1}"
