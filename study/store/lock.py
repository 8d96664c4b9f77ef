"""The lock of a study: one process at a time writes into its folder; any other is told which process that is."""

import errno
import fcntl
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from upath import UPath

from binarygan.errors import UserError
from binarygan.io.files import AnyPath, read_whole

NAME = ".lock"
RENEWED_SECONDS = 20.0
STALE_SECONDS = 120.0
"""An object store has no locks. A process that has not renewed its entry for so long is taken for dead."""
WATCHED_SECONDS = 3 * RENEWED_SECONDS
"""How long an old entry is watched before it is removed."""
SETTLED_SECONDS = 1.0
"""How long a process waits after it wrote its entry, to see whether another wrote one at the same moment."""

log = logging.getLogger(__name__)


def only_writer(folder: AnyPath) -> AbstractContextManager[None]:
    """Hold the study's lock.

    On a disk the kernel has the lock and releases it when the process ends, in whatever way; over NFS the server does.
    In an object store the lock is an entry that a thread renews for as long as the process lives.

    Raises:
        UserError: another process holds it; the text says which.
    """
    return _file_lock(folder / NAME) if isinstance(folder, Path) else _lease(folder / NAME)


def is_held(folder: AnyPath) -> bool:
    """Whether some process writes into the study's folder now, by its entry alone: to ask disturbs nobody.

    Of a process on another machine that writes to a disk nothing more is known, so it is taken to live.
    """
    try:
        entry = _entry(folder / NAME)
    except OSError:
        return False
    if entry is None:
        return False
    lives, renewed = _lives_here(entry), entry.get("renewed")
    if lives is not None:
        return lives
    return not isinstance(renewed, int | float) or abs(time.time() - renewed) <= STALE_SECONDS


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise UserError(f"{path} cannot be locked: {error.strerror}; choose another --results") from None
            file.seek(0)
            raise UserError(_held(path.parent, file.read())) from None
        file.seek(0)
        file.truncate()
        file.write(json.dumps(_holder()))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


@contextmanager
def _lease(path: UPath) -> Iterator[None]:
    entry = _holder() | {"token": uuid.uuid4().hex}
    known = _entry(path)
    if known and not _dead(path, known):
        raise UserError(_held(path.parent, json.dumps(known)))
    if known and _entry(path) == known:
        path.unlink(missing_ok=True)
    try:
        path.fs.pipe_file(path.path, _renewed(entry), mode="create")
    except FileExistsError:
        raise UserError(_held(path.parent, json.dumps(_entry(path)))) from None
    time.sleep(SETTLED_SECONDS)  # where a store has no "create", the later of two simultaneous entries stays
    if not _is_ours(path, entry):
        raise UserError(_held(path.parent, json.dumps(_entry(path))))
    ended = threading.Event()
    keeper = threading.Thread(target=_keep, args=(path, entry, ended), daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()
        if _is_ours(path, entry):
            path.unlink(missing_ok=True)


def _keep(path: AnyPath, entry: dict[str, Any], ended: threading.Event) -> None:
    """Renew the entry until the command ends. End the command if the entry is another's: two processes would write."""
    while not ended.wait(RENEWED_SECONDS):
        try:
            if _is_ours(path, entry):
                path.write_bytes(_renewed(entry))
                continue
        except Exception as error:  # of many kinds; the next renewal may succeed
            log.warning("the lock %s is not renewed: %s", path, error)
            continue
        if not ended.is_set():
            print(f"error: {_held(path.parent, json.dumps(_entry(path)))}", file=sys.stderr)
            os.kill(os.getpid(), signal.SIGTERM)  # study/run.py treats it as Ctrl-C; it wakes every sleep
        return


def _is_ours(path: AnyPath, entry: dict[str, Any]) -> bool:
    return (_entry(path) or {}).get("token") == entry["token"]


def _holder() -> dict[str, Any]:
    return {
        "host": socket.gethostname(),
        "machine": _machine(),
        "pid": os.getpid(),
        "command": " ".join(sys.argv)[:200],
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _machine() -> str:
    """The boot of this machine and the process namespace; host names are not enough, since containers share them."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _renewed(entry: dict[str, Any]) -> bytes:
    return json.dumps({**entry, "renewed": time.time()}).encode()


def _entry(path: AnyPath) -> dict[str, Any] | None:
    """The entry; None where there is none, or something else."""
    try:
        found = json.loads(read_whole(path))
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _dead(path: AnyPath, entry: dict[str, Any]) -> bool:
    """Whether the process that wrote the entry is dead, as far as this process can tell.

    On the same machine its process id tells. From another machine a fresh entry tells that it lives. Where the entry is
    old, or dated in the future, the clocks of the two machines may differ, so the entry is watched for a while: a
    process that lives renews it meanwhile.
    """
    if _lives_here(entry) is False:
        return True
    renewed = entry.get("renewed")
    if isinstance(renewed, int | float) and abs(time.time() - renewed) <= STALE_SECONDS:
        return False
    log.warning("%s is old: watching for %.0f s whether its process lives", path, WATCHED_SECONDS)
    end = time.monotonic() + WATCHED_SECONDS
    while time.monotonic() < end:
        time.sleep(min(1.0, WATCHED_SECONDS / 4))
        if _entry(path) != entry:
            return False
    return True


def _lives_here(entry: dict[str, Any]) -> bool | None:
    """Whether the process that wrote the entry lives on this machine; None where it is on another one."""
    if not (_machine() and entry.get("machine") == _machine() and isinstance(entry.get("pid"), int)):
        return None
    try:
        os.kill(entry["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _held(folder: AnyPath, text: str) -> str:
    try:
        by = json.loads(text)
        who = f"process {int(by['pid'])} on {str(by['host'])[:80]} since {str(by['since'])[:40]}"
    except (ValueError, KeyError, TypeError):
        who = "another process"
    return f"{folder} is being written by {who}; wait for it, stop it, or choose another folder with --study NAME"
