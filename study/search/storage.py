"""Optuna's storage of a search's trials: a journal file in the study's folder, or a database."""

import logging
import re
import warnings
from pathlib import Path

import optuna
from optuna.storages.journal import JournalFileBackend

from binarygan.errors import UserError
from binarygan.io.files import AnyPath
from study.store.store import JOURNAL, JOURNAL_LOCK

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def storage_of(url: str | None, folder: AnyPath, *, mend: bool = False) -> optuna.storages.BaseStorage:
    """The journal file in the study's folder, or the storage that `url` names.

    Args:
        mend: remove the incomplete last line that a power cut leaves, and the lock of a command that was killed as it
            wrote; only with the study's lock.

    Raises:
        UserError: the storage cannot be opened or read.
    """
    if url is None:
        if not isinstance(folder, Path):
            raise UserError(f"a search with its results in {folder} needs --storage URL of a database for its trials")
        return _journal(folder / JOURNAL, mend)
    _check_url(url)
    try:
        return optuna.storages.get_storage(url)
    except Exception as error:  # SQLAlchemy and its drivers raise errors of many kinds
        raise UserError(f"--storage {_shown(url)} cannot be opened: {first_line(error)}") from None


def _check_url(url: str) -> None:
    """A UserError where a database is none that keeps trials safely."""
    if url.startswith("redis"):  # Optuna would load pickles from it
        raise UserError(
            f"--storage {_shown(url)}: Redis is none of those that are safe; use sqlite, mysql or postgresql"
        )
    if re.fullmatch(r"sqlite(\+\w+)?:(//)?/?(\?.*)?|sqlite.*(:memory:|mode=memory).*", url):
        raise UserError(f"--storage {url} is in memory, and gone at the end: name a file, sqlite:///trials.db")


def _journal(path: Path, mend: bool) -> optuna.storages.BaseStorage:
    try:
        if mend:
            for lock in path.parent.glob(f"{JOURNAL_LOCK}*"):
                lock.unlink(missing_ok=True)
            if path.exists():
                _cut_off_torn_end(path)
        return optuna.storages.JournalStorage(JournalFileBackend(str(path)))
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None
    except MemoryError:
        raise UserError(f"{path} does not fit into memory here; the file may well be whole") from None
    except Exception as error:
        raise UserError(f"{path} is damaged ({first_line(error)}): move it away or choose --study NAME") from None


def _cut_off_torn_end(path: Path) -> None:
    """Remove an incomplete last line: Optuna could read no line after it."""
    with path.open("rb+") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)


def existing_database(url: str) -> optuna.storages.BaseStorage | None:
    """The database if it exists and holds Optuna's tables, else None."""
    import sqlalchemy

    _check_url(url)
    try:
        parsed = sqlalchemy.make_url(url)
        if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
            return None
        storage = optuna.storages.RDBStorage(url, skip_compatibility_check=True, skip_table_creation=True)
        return storage if sqlalchemy.inspect(storage.engine).has_table("studies") else None
    except Exception as error:
        raise UserError(f"--storage {_shown(url)} cannot be opened: {first_line(error)}") from None


def _shown(url: str) -> str:
    """A URL without its password."""
    head, found, rest = url.partition("://")
    if not found or "@" not in rest:
        return url
    user, _, host = rest.rpartition("@")
    return f"{head}://{user.split(':')[0]}@{host}"


def first_line(error: BaseException) -> str:
    """The error's kind and the first line of its text; the log has all of it."""
    logging.getLogger(__name__).debug("storage", exc_info=error)
    if isinstance(error, optuna.exceptions.StorageInternalError) and error.__cause__:
        error = error.__cause__  # Optuna supposes invalid data, whatever it was
    text = str(error).splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
