"""Where Optuna keeps a search's trials: a journal file in the study's folder, or a database."""

import logging
import warnings
from pathlib import Path

import optuna
from optuna.storages.journal import JournalFileBackend

from binarygan.errors import UserError
from binarygan.io.files import Place

JOURNAL = "optuna-journal.log"

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def storage_of(url: str | None, folder: Place, *, mend: bool = False) -> optuna.storages.BaseStorage:
    """The journal file in the study's folder, or the storage that `url` names.

    Args:
        mend: cut off what a power cut left at the journal's end; for the run that holds the study's lock.

    Raises:
        UserError: it cannot be opened or read.
    """
    if url is None:
        if not isinstance(folder, Path):
            raise UserError(f"a search with its results in {folder} needs --storage URL of a database for its trials")
        return _journal(folder / JOURNAL, mend)
    if url.startswith("redis"):  # Optuna keeps pickles there
        raise UserError(
            f"--storage {_shown(url)}: Redis is none of those that are safe; use sqlite, mysql or postgresql"
        )
    try:
        return optuna.storages.get_storage(url)
    except Exception as error:  # SQLAlchemy and drivers raise what they like
        raise UserError(f"--storage {_shown(url)} cannot be opened: {first_line(error)}") from None


def _journal(path: Path, mend: bool) -> optuna.storages.BaseStorage:
    try:
        if mend and path.exists():
            _cut_off_torn_end(path)
        return optuna.storages.JournalStorage(JournalFileBackend(str(path)))
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None
    except Exception as error:
        raise UserError(f"{path} is damaged ({first_line(error)}): move it away or choose --study NAME") from None


def _cut_off_torn_end(path: Path) -> None:
    """A power cut can leave the beginning of a line, after which Optuna could read nothing more."""
    with path.open("rb+") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)


def existing_database(url: str) -> optuna.storages.BaseStorage | None:
    """The database, where it is there and holds Optuna's tables."""
    import sqlalchemy

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
    user, _, place = rest.rpartition("@")
    return f"{head}://{user.split(':')[0]}@{place}"


def first_line(error: BaseException) -> str:
    logging.getLogger(__name__).debug("storage", exc_info=error)
    text = str(error).splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
