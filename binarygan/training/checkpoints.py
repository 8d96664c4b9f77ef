"""Checkpoints of a cohort: one safetensors file each, with the members' configurations in its header.

    epoch-00003.safetensors   what training goes on from: parameters and optimizers' states after 3 epochs
    final.safetensors         the generators alone, of a cohort that is at its end
    state.safetensors         what runs of more epochs go on from, of a cohort that is at its end

Every tensor has a leading member axis, but for single numbers that all members share.
"""

import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from torch import Tensor

from binarygan.config import MemberConfig
from binarygan.errors import UserError
from binarygan.io.files import PARTIAL, AnyPath, matching
from binarygan.io.tensor_files import DamagedFileError, damaged, floats, read_metadata, read_tensors, write_tensors
from binarygan.model.networks import Parameters
from binarygan.training.trainer import Trainer

FINAL, STATE = "final.safetensors", "state.safetensors"
EPOCHS = "epoch-*.safetensors"
VERSION = 1
"""In every header; raised where an old program would misread what a new one writes."""
OF_GENERATORS = "generator."
"""How the names of the generators' tensors begin in a training state."""

DamagedCheckpointError = DamagedFileError
"""A checkpoint that cannot be read or belongs to other members."""


@dataclass(frozen=True)
class Description:
    """Of whom a file is, and when.

    Args:
        members: the cohort's members, in the order of the member axis.
        epochs_done: after how many epochs.
    """

    members: tuple[MemberConfig, ...]
    epochs_done: int

    def to_metadata(self) -> dict[str, str]:
        """As strings for a safetensors header."""
        return {
            "version": str(VERSION),
            "epochs_done": str(self.epochs_done),
            "members": json.dumps([m.to_dict() for m in self.members]),
        }

    @classmethod
    def of(cls, path: AnyPath, metadata: Mapping[str, str]) -> Self:
        """The description in the header of the file `path`.

        Raises:
            DamagedCheckpointError: it is none.
            UserError: a newer program wrote it.
        """
        counts = [metadata.get("version", "1"), metadata.get("epochs_done", "")]  # the first had no version
        for name, text in zip(("version", "epochs_done"), counts, strict=True):
            if not re.fullmatch("[0-9]{1,9}", text):
                raise damaged(path, f"its {name} is {text[:20]!r}, no count")
        version, epochs_done = map(int, counts)
        if version > VERSION:
            raise UserError(f"{path} is of version {version}; this program reads up to {VERSION}: update it")
        try:
            entries = json.loads(metadata.get("members", ""))
            if not isinstance(entries, list) or not entries or not all(isinstance(e, dict) for e in entries):
                raise ValueError("its members are no list of configurations")
            members = tuple(MemberConfig.from_dict(e) for e in entries)
        except UserError as error:  # whole, but of a part that is not loaded here, say
            raise DamagedCheckpointError(f"{path} holds a configuration that cannot be built: {error}") from None
        except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
            raise damaged(path, error) from None
        if len({m.cohort_key for m in members}) != 1:
            raise damaged(path, "its members are of different cohorts")
        if epochs_done > members[0].epochs:
            raise damaged(path, f"it claims {epochs_done} of {members[0].epochs} epochs")
        return cls(members, epochs_done)


def save(trainer: Trainer, folder: AnyPath) -> None:
    """Write the trainer's state as the file `epoch-<n>`, whole or not at all, and drop older ones beside it."""
    newest = folder / f"epoch-{trainer.epochs_done:05d}.safetensors"
    _write(newest, trainer.state(), Description(trainer.configs, trainer.epochs_done))
    _tidy(folder, keep=newest)


def restore(trainer: Trainer, folder: AnyPath) -> bool:
    """Bring the trainer to the newest checkpoint in `folder`; on the same device what follows is bitwise the same.

    Returns:
        Whether there was one.

    Raises:
        DamagedCheckpointError: it cannot be read, or is of other members. The trainer is of no further use.
    """
    if (newest := newest_epoch(folder)) is None:
        return False
    description, tensors = _read(newest)
    if description.members != trainer.configs:
        raise DamagedCheckpointError(f"{newest} is of other members")
    try:
        trainer.load_state(tensors, description.epochs_done)
    except ValueError as error:
        raise damaged(newest, error) from None
    return True


def saved_members(folder: AnyPath) -> list[MemberConfig] | None:
    """The members of the newest checkpoint in `folder`, in their order; None where there is none to go on from."""
    newest = newest_epoch(folder)
    try:
        return list(describe(newest).members) if newest else None
    except DamagedCheckpointError:
        return None


def describe(path: AnyPath) -> Description:
    """Of whom a checkpoint is, without reading its tensors.

    Raises:
        DamagedCheckpointError: it cannot be read.
    """
    return Description.of(path, read_metadata(path))


def split(folder: AnyPath, parts: Mapping[AnyPath, Sequence[int]]) -> None:
    """Write the newest checkpoint in `folder`, where there is a whole one, as others that hold some members each.

    Args:
        parts: folder of each of them -> its members' indices in the old one.
    """
    if (newest := newest_epoch(folder)) is None:
        return
    try:
        description, tensors = _read(newest)
    except DamagedCheckpointError:
        return  # nothing that the parts could go on from
    for target, indices in parts.items():
        members = tuple(description.members[i] for i in indices)
        _write(target / newest.name, _part(tensors, indices), Description(members, description.epochs_done))
    _tidy(folder)
    if isinstance(folder, Path):  # an object store has no folders to be left over
        shutil.rmtree(folder, ignore_errors=True)


def save_generators(trainer: Trainer, folder: AnyPath) -> None:
    """Write the finished cohort's generators as `final`, beside what training went on from (`forget_epochs`)."""
    tensors = {name: p.detach() for name, p in trainer.generator.parameters.items()}
    _write(folder / FINAL, tensors, Description(trainer.configs, trainer.epochs_done))


def save_state(trainer: Trainer, folder: AnyPath) -> None:
    """Write the finished cohort's training state as `state`, for runs of more epochs (`lengthen`)."""
    _write(folder / STATE, trainer.state(), Description(trainer.configs, trainer.epochs_done))


def lengthen(path: AnyPath, folder: AnyPath, longer: Mapping[int, MemberConfig]) -> None:
    """Write a finished cohort's training state as what runs of more epochs go on from.

    Args:
        path: of the training state (`save_state`).
        folder: of the longer runs' cohort.
        longer: index of a member in the file -> the run that goes on from it.

    Raises:
        DamagedCheckpointError: the file cannot be read.
    """
    description, tensors = _read(path)
    done = description.epochs_done
    _write(folder / f"epoch-{done:05d}.safetensors", _part(tensors, longer), Description((*longer.values(),), done))


def _part(tensors: Mapping[str, Tensor], indices: Iterable[int]) -> dict[str, Tensor]:
    """The tensors of some members."""
    return {name: t if t.dim() == 0 else t[list(indices)] for name, t in tensors.items()}


def forget_epochs(folder: AnyPath) -> None:
    """Drop what a cohort's training went on from: it is at its end."""
    _tidy(folder)


def keep_generators(folder: AnyPath) -> None:
    """The same for a cohort that was stopped early, from its newest checkpoint; nothing where there is none.

    Raises:
        DamagedCheckpointError: that checkpoint cannot be read. Nothing is changed.
    """
    if (newest := newest_epoch(folder)) is None:
        return
    description, tensors = _read(newest)
    try:
        kept = describe(folder / FINAL).epochs_done
    except DamagedCheckpointError:
        kept = -1
    if kept < description.epochs_done:
        _write(folder / FINAL, _generators(newest, description, tensors), description)
    _tidy(folder)


def newest_epoch(folder: AnyPath) -> AnyPath | None:
    """The checkpoint in `folder` that training would go on from; None where there is none."""
    return max(matching(folder, EPOCHS), key=lambda p: (len(p.name), p.name), default=None)


def saved_generator(path: AnyPath, member: int) -> Parameters:
    """The generator of one member of a checkpoint of either kind, with a member axis of one.

    Raises:
        DamagedCheckpointError: it cannot be read, or lacks one of the generator's parameters.
    """
    description, tensors = _read(path)
    return {name: t[member : member + 1] for name, t in _generators(path, description, tensors).items()}


def _write(path: AnyPath, tensors: dict[str, Tensor], description: Description) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(path, tensors, description.to_metadata())


def _read(path: AnyPath) -> tuple[Description, dict[str, Tensor]]:
    metadata, tensors = read_tensors(path)
    description = Description.of(path, metadata)
    for name, tensor in tensors.items():
        if tensor.dim() and len(tensor) != len(description.members):
            raise damaged(path, f"{name!r} is not of {len(description.members)} members")
    return description, tensors


def _generators(path: AnyPath, description: Description, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The generators' parameters of all members, by the names that the generator has for them."""
    prefix = OF_GENERATORS if any(name.startswith(OF_GENERATORS) for name in tensors) else ""
    shapes = description.members[0].generator_layers().parameter_shapes()
    whole = {prefix + name: (len(description.members), *shape) for name, shape in shapes.items()}
    return dict(zip(shapes, floats(path, tensors, whole), strict=True))


def _tidy(folder: AnyPath, keep: AnyPath | None = None) -> None:
    """Drop the checkpoints of epochs but `keep`, and what killed processes left half written."""
    for path in matching(folder, EPOCHS) + matching(folder, f"{PARTIAL}*"):
        if keep is None or path.name != keep.name:
            path.unlink(missing_ok=True)
