"""One writer a study: whoever holds the lock writes, and everybody else is told who that is."""

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
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from upath import UPath

from binarygan.errors import UserError
from binarygan.io.files import Place, read_whole

NAME = ".lock"
RENEWED_SECONDS = 20.0
STALE_SECONDS = 120.0
"""An object store has no locks: a holder that has not renewed its entry for so long is taken for dead."""
WATCHED_SECONDS = 3 * RENEWED_SECONDS
"""How long an entry that looks old is watched before it is taken away."""
SETTLED_SECONDS = 1.0

log = logging.getLogger(__name__)


@contextmanager
def only_writer(folder: Place) -> Iterator[None]:
    """Hold the study's lock.

    On a disk it is the kernel's, which lets go of it when its process dies however it dies; over NFS the server does.
    In an object store it is an entry that is renewed while its holder lives.

    Raises:
        UserError: another run holds it; the text says which.
    """
    if isinstance(folder, Path):
        with _file_lock(folder / NAME):
            yield
    else:
        with _lease(folder / NAME):
            yield


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
    time.sleep(SETTLED_SECONDS)  # two that came at once, where a store knows no "create": the later entry stays
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


def _keep(path: Place, entry: dict[str, Any], ended: threading.Event) -> None:
    """Renew the entry until the run ends; end the run where the entry is another's, for then two would write."""
    while not ended.wait(RENEWED_SECONDS):
        try:
            if _is_ours(path, entry):
                path.write_bytes(_renewed(entry))
                continue
        except Exception as error:  # an object store's libraries raise what they like; the next renewal may succeed
            log.warning("the lock %s is not renewed: %s", path, error)
            continue
        if not ended.is_set():
            print(f"error: {_held(path.parent, json.dumps(_entry(path)))}", file=sys.stderr)
            os.kill(os.getpid(), signal.SIGTERM)  # which study/run.py answers as Ctrl-C; it wakes whatever waits
        return


def _is_ours(path: Place, entry: dict[str, Any]) -> bool:
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
    """One boot of one machine, and there one space of process ids: hosts and containers share names."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _renewed(entry: dict[str, Any]) -> bytes:
    return json.dumps({**entry, "renewed": time.time()}).encode()


def _entry(path: Place) -> dict[str, Any] | None:
    """What stands there; None where nothing does, or nothing of ours."""
    try:
        found = json.loads(read_whole(path))
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _dead(path: Place, entry: dict[str, Any]) -> bool:
    """Whether its holder is dead, as far as can be told from here.

    By its process where that was of this machine, by this machine's clock where the entry is fresh. Where it is old, or
    of the future, the clocks of two hosts may differ: a holder that lives renews its entry while we look.
    """
    if _machine() and entry.get("machine") == _machine() and isinstance(entry.get("pid"), int):
        try:
            os.kill(entry["pid"], 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
    renewed = entry.get("renewed")
    if isinstance(renewed, int | float) and abs(time.time() - renewed) <= STALE_SECONDS:
        return False
    log.warning("%s is old: looking for %.0f s whether its holder lives", path, WATCHED_SECONDS)
    end = time.monotonic() + WATCHED_SECONDS
    while time.monotonic() < end:
        time.sleep(min(1.0, WATCHED_SECONDS / 4))
        if _entry(path) != entry:
            return False
    return True


def _held(folder: Place, text: str) -> str:
    try:
        by = json.loads(text)
        who = f"process {int(by['pid'])} on {str(by['host'])[:80]} since {str(by['since'])[:40]}"
    except (ValueError, KeyError, TypeError):
        who = "another run"
    return f"{folder} is being written by {who}; wait for it, stop it, or choose another folder with --study NAME"
