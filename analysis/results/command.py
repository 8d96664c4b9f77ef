"""The command that made a study, or that would train a grid as the study was trained."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.results.load import whole_number
from analysis.results.study import Study, mnist_digest
from binarygan.paper import split_of

EPOCHS, QUICK_EPOCHS = 20, 1
"""Of a run that names none."""
PRECISIONS = {"float32": "fp32", "tf32": "tf32", "bfloat16": "bf16"}


def command(study: Study, grid: str | None = None) -> str:
    """The command that trains a grid as this study was trained; the study's own where none is named.

    Empty where the study does not say what made it.
    """
    said = study.description
    if isinstance(said.get("file"), str) and grid is None:
        named = ["--file", str(shown(study.folder) / "study.toml"), *_elsewhere(study.folder)]
        return shlex.join(["python", "study/run.py", *named, *_plugins(said)])
    if grid is not None and said.get("grid") != grid:
        return _joined(study, ["--grid", grid], study.name)
    if isinstance(name := said.get("grid"), str):
        return _joined(study, ["--grid", name, *_sweep(said)], name)
    if sweep := _sweep(said):
        return _joined(study, sweep, "")
    if isinstance(name := said.get("search"), str):
        return _joined(study, _search(study, name), f"search-{name}")
    if isinstance(name := said.get("retrain"), str):
        reference = said.get("reference")
        if isinstance(reference, str):
            return _joined(study, ["--retrain", name, "--reference", reference], f"retrain-{name}-{reference}")
        return _joined(study, ["--retrain", name], f"retrain-{name}")
    return ""


def shown(folder: Path) -> Path:
    """A folder as a command in the present one names it."""
    whole, here = folder.resolve(), Path.cwd().resolve()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole


def surroundings(study: Study) -> list[str]:
    """The options that name a study's results folder, data and plugins, each where it is not the usual one."""
    said = study.description
    return [*_place(study), *data_words(data_of(said, study.members)), *_plugins(said)]


def _place(study: Study) -> list[str]:
    return _elsewhere(study.folder) if (study.folder / "checkpoints").is_dir() else []  # a published one has none


def _elsewhere(folder: Path) -> list[str]:
    """The option that names a study's results folder; none where it is the usual one."""
    parent = shown(folder).parent
    return ["--results", str(parent)] if parent != Path("results") else []


def _search(study: Study, name: str) -> list[str]:
    said = study.description
    words = ["--search", name]
    if trials := whole_number(said.get("trials")):
        words += ["--trials", str(trials)]
    if isinstance(metrics := said.get("metrics"), list):
        words += ["--metric", *(m for m in metrics if isinstance(m, str))]
    for option in ("sampler", "scheduler"):
        if isinstance(value := said.get(option), str) and value != "none":
            words += [f"--{option}", value]
    if seed := whole_number(said.get("sampler_seed")):
        words += ["--sampler-seed", str(seed)]
    return words


def _joined(study: Study, words: list[str], usual_name: str) -> str:
    """With the options that all kinds of runs share; of a run trained again, those that it does not settle."""
    members, said = study.members, study.description
    quick = said.get("quick") is True
    usual = QUICK_EPOCHS if quick else EPOCHS
    fidelity, epochs, dtype = (_most(members, c) for c in ("fidelity", "epochs", "dtype"))
    settled = words[0] == "--retrain"
    own = {text.partition("=")[0] for words_of in (said.get("set"), said.get("sweep")) for text in _texts(words_of)}
    present = members.groupby("cell_id")["seed"].nunique() if settled else members["seed"] + 1
    planned = study.file.seeds if study.file else None
    seeds = whole_number(said.get("seeds")) or max(int(present.max()), planned or 1)
    if not settled:
        words += ["--quick"] if quick else []
        words += ["--fidelity", fidelity] if fidelity == "as-released" else []
        on_cpus = "device" not in members or set(members["device"].dropna()) <= {"cpu"}
        usual_there = dtype == "float32" and on_cpus
        named = dtype in PRECISIONS and not usual_there and "dtype" not in own
        words += ["--precision", PRECISIONS[dtype]] if named else []
        reference, split = (_most(members, column) for column in ("reference", "split"))
        usual_reference = "validation" if words[0] == "--search" else "test"
        words += (
            ["--reference", reference] if reference not in (None, usual_reference) and "reference" not in own else []
        )
        known = None not in (fidelity, reference, split) and "split" not in own
        words += ["--set", f"split={split}"] if known and split != split_of(fidelity, reference) else []
    words += ["--seeds", str(seeds)] if seeds > 1 else []
    if settled:
        epochs = whole_number(said.get("epochs")) or usual
    words += ["--epochs", str(int(epochs))] if epochs is not None and epochs != usual and "epochs" not in own else []
    words += ["--set", *given] if (given := _texts(said.get("set"))) else []
    words += _place(study)
    words += data_words(data_of(said, members))
    words += ["--data-root", root] if isinstance(root := said.get("data_root"), str) else []
    words += _plugins(said)
    words += ["--study", study.name] if study.name != usual_name else []
    return shlex.join(["python", "study/run.py", *words])


def _sweep(said: Mapping[str, Any]) -> list[str]:
    return ["--sweep", *found] if (found := _texts(said.get("sweep"))) else []


def _plugins(said: Mapping[str, Any]) -> list[str]:
    return [word for path in _texts(said.get("plugins")) for word in ("--plugin", path)]


def _texts(listed: object) -> list[str]:
    return [text for text in listed if isinstance(text, str)] if isinstance(listed, list) else []


def data_of(said: Mapping[str, Any], members: pd.DataFrame) -> str:
    """The data as `--data` names it: as in the study's command, or the data set's name; `mnist` is the packaged one."""
    if isinstance(data := said.get("data"), str):
        return data
    name, digest = _most(members, "data"), _most(members, "data_digest")
    return "mnist" if digest == mnist_digest() or not isinstance(name, str) else name


def data_words(data: str) -> list[str]:
    """The option that names the data; none where it is the packaged MNIST."""
    return ["--data", data] if data not in ("", "mnist") else []


def _most(members: pd.DataFrame, column: str) -> Any:
    """The commonest value; None where there is none, or two are as common."""
    counts = members[column].value_counts()
    return counts.index[0] if len(counts) == 1 or (len(counts) and counts.iloc[0] > counts.iloc[1]) else None
