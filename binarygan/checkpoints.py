"""Checkpoints of a cohort: tensors as safetensors, the rest as JSON. No pickle is ever read or written."""

import json
import os
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from binarygan.config import MemberConfig
from binarygan.errors import UserError
from binarygan.training import Trainer

TENSORS, DESCRIPTION = "state.safetensors", "state.json"


class DamagedCheckpointError(Exception):
    """A checkpoint that cannot be read or belongs to other members."""


def save(trainer: Trainer, folder: Path) -> None:
    """Write the trainer's state as the folder `epoch-<n>`, whole or not at all, and drop older ones beside it."""
    tensors = {name: tensor.contiguous().cpu() for name, tensor in trainer.state().items()}
    description = {"epochs_done": trainer.epochs_done, "members": [c.to_dict() for c in trainer.configs]}
    name = f"epoch-{trainer.epochs_done:05d}"
    _write(folder / name, tensors, description)
    for other in folder.iterdir():
        if other.name != name:
            shutil.rmtree(other, ignore_errors=True)


def restore(trainer: Trainer, folder: Path) -> bool:
    """Bring the trainer to the newest checkpoint in `folder`; on the same device what follows is bitwise the same.

    Returns:
        Whether there was one.

    Raises:
        DamagedCheckpointError: it cannot be read, or is of other members.
    """
    saved = sorted(folder.glob("epoch-*"))
    if not saved:
        return False
    newest = saved[-1]
    description = _description(newest)
    if description.get("members") != [c.to_dict() for c in trainer.configs]:
        raise DamagedCheckpointError(f"{newest} is of other members")
    try:
        trainer.load_state(load_file(newest / TENSORS), int(description["epochs_done"]))
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise DamagedCheckpointError(f"{newest}: {error}") from None
    return True


def saved_members(folder: Path) -> list[MemberConfig] | None:
    """The members of the newest checkpoint in `folder`, in their order; None where there is none to go on from."""
    saved = sorted(folder.glob("epoch-*"))
    if not saved:
        return None
    try:
        return [MemberConfig.from_dict(m) for m in _description(saved[-1])["members"]]
    except (DamagedCheckpointError, UserError, KeyError, TypeError):
        return None


def split(folder: Path, parts: dict[Path, Sequence[int]]) -> None:
    """Write the newest checkpoint in `folder`, where there is one, as others that hold some of its members each.

    Args:
        parts: folder of each of them -> its members' places in the old one.
    """
    saved = sorted(folder.glob("epoch-*"))
    if not saved:
        return
    description, tensors = _description(saved[-1]), load_file(saved[-1] / TENSORS)
    for target, places in parts.items():
        own = {name: t if t.dim() == 0 else t[list(places)].contiguous() for name, t in tensors.items()}
        members = [description["members"][i] for i in places]
        _write(target / saved[-1].name, own, {**description, "members": members})
    shutil.rmtree(folder)


def save_generators(trainer: Trainer, folder: Path) -> None:
    """Leave the finished cohort's generators as the folder `final`, in place of what training went on from."""
    tensors = {name: p.detach().contiguous().cpu() for name, p in trainer.generator_parameters.items()}
    description = {"epochs_done": trainer.epochs_done, "members": [c.to_dict() for c in trainer.configs]}
    _write(folder / "final", tensors, description)
    for other in folder.glob("epoch-*"):
        shutil.rmtree(other, ignore_errors=True)


def _write(target: Path, tensors: dict[str, torch.Tensor], description: dict[str, object]) -> None:
    temporary = target.parent / f".{target.name}-{uuid.uuid4().hex[:8]}"
    temporary.mkdir(parents=True)
    save_file(tensors, temporary / TENSORS)
    (temporary / DESCRIPTION).write_text(json.dumps(description, indent=1))
    for file in (temporary / TENSORS, temporary / DESCRIPTION):
        _flush(file)
    shutil.rmtree(target, ignore_errors=True)
    temporary.rename(target)
    _flush(target.parent)


def _flush(path: Path) -> None:
    """Wait until the disk has it, so that a power cut cannot leave a renamed but empty file."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _description(folder: Path) -> dict[str, Any]:
    try:
        content = json.loads((folder / DESCRIPTION).read_text())
    except (OSError, ValueError) as error:
        raise DamagedCheckpointError(f"{folder}: {error}") from None
    if not isinstance(content, dict):
        raise DamagedCheckpointError(f"{folder}: {DESCRIPTION} holds no object")
    return content
