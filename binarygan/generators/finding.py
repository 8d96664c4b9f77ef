"""The generator that a user means: by the path of a checkpoint or an exported file, or by a member's id."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from binarygan.config import MemberConfig
from binarygan.errors import UserError
from binarygan.generators.files import is_exported, load_generator
from binarygan.generators.sampling import Sampler
from binarygan.io.files import AnyPath, matching, path_of
from binarygan.io.tensor_files import UnreadableFileError, damaged, read_metadata
from binarygan.training import checkpoints
from binarygan.training.checkpoints import DamagedCheckpointError, Description

CHECKPOINTS = "*/checkpoints/*/*.safetensors"
"""Where the checkpoints of all studies are in a results folder."""
MOST_LISTED = 20


class _Found(NamedTuple):
    path: AnyPath
    description: Description
    member: int
    """Its index in the description."""

    @property
    def config(self) -> MemberConfig:
        return self.description.members[self.member]


def find_generator(what: str, *, results: str, member: str | None = None) -> Sampler:
    """The generator at a path, or of the member of `results` whose id begins with `what`.

    Args:
        what: a checkpoint, a folder with checkpoints, an exported generator, or the beginning of an id.
        results: folder of studies, in which a member may be more than once; the one of most epochs is taken.
        member: beginning of the id of one member, where `what` holds several.

    Raises:
        UserError: nothing is found, or more than one; a file is damaged; the member diverged.
    """
    try:
        path = _file_at(what)
        if path is None:
            if member is not None:
                raise UserError(f"--member is for checkpoints that hold several, and there is no file {what}")
            sampler = _sampler(_by_id(what, _in_results(path_of(results)), f"{results}/{CHECKPOINTS}"))
        elif is_exported(read_metadata(path)):
            sampler = load_generator(path)
        else:
            description = checkpoints.describe(path)
            members = {c.member_id: _Found(path, description, i) for i, c in enumerate(description.members)}
            if member is None and len(members) > 1:
                raise UserError(f"{path} holds several members: choose one with --member: {_listed(members)}")
            sampler = _sampler(_by_id(member or "", members, str(path)))
    except DamagedCheckpointError as error:
        raise UserError(str(error)) from None
    if not all(t.isfinite().all() for t in sampler.parameters.values()):
        raise UserError(f"member {sampler.config.member_id} diverged: its generator's parameters are not finite")
    return sampler


def _file_at(what: str) -> AnyPath | None:
    """The file that the path names, or the checkpoint in the folder that it names; None where there is neither."""
    path = path_of(what)
    try:
        if path.is_file():
            return path
        if not path.is_dir():
            return None
    except Exception as error:  # an object store's are of its own library
        if isinstance(path, Path) and not isinstance(error, OSError):
            raise
        raise UserError(str(damaged(path, error))) from None
    final = path / checkpoints.FINAL
    found = final if final.is_file() else checkpoints.newest_epoch(path)
    if found is None:
        raise UserError(f"folder {path} holds neither {checkpoints.FINAL} nor {checkpoints.EPOCHS}")
    return found


def _in_results(results: AnyPath) -> dict[str, _Found]:
    """Every member of every study by its id; of those there are twice, the one that was trained longest."""
    members: dict[str, _Found] = {}
    for path in matching(results, CHECKPOINTS):
        try:
            description = checkpoints.describe(path)
        except (DamagedCheckpointError, UnreadableFileError):
            continue  # another file may hold the member, too
        for index, config in enumerate(description.members):
            known = members.get(config.member_id)
            if known is None or known.description.epochs_done < description.epochs_done:
                members[config.member_id] = _Found(path, description, index)
    return members


def _by_id(prefix: str, members: Mapping[str, _Found], where: str) -> _Found:
    fitting = [member_id for member_id in members if member_id.startswith(prefix.lower())]
    if not fitting:
        has = f"which has {_listed(members)}" if members else "where there are none"
        raise UserError(f"{prefix!r} is neither a file nor the beginning of a member's id in {where}, {has}")
    if len(fitting) > 1:
        raise UserError(f"{prefix!r} is the beginning of several members' ids: {_listed(fitting)}")
    return members[fitting[0]]


def _sampler(found: _Found) -> Sampler:
    parameters = checkpoints.saved_generator(found.path, found.member)
    try:
        return Sampler.of(found.config, found.description.epochs_done, parameters)
    except ArithmeticError:
        raise UserError(f"{found.path}: slope_rate={found.config.slope_rate} to that power is no number") from None


def _listed(ids: Iterable[str]) -> str:
    ids = sorted(ids)
    more = f" and {len(ids) - MOST_LISTED} more" if len(ids) > MOST_LISTED else ""
    return ", ".join(ids[:MOST_LISTED]) + more
