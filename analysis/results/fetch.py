"""A study that is not on a disk is copied to one: its tables and its description, never its checkpoints."""

from pathlib import Path

from binarygan.errors import UserError
from binarygan.io.files import matching, path_of, read_whole
from study.store.schemas import SCHEMAS


def local_study(text: str, scratch: Path) -> Path:
    """The study's folder; a copy in `scratch`, under its name, where `text` is another file system's URL.

    Raises:
        UserError: it cannot be read.
    """
    source = path_of(text)
    if isinstance(source, Path):
        return source
    folder = scratch / (source.name or "study")
    try:
        for table in SCHEMAS:
            (folder / table).mkdir(parents=True)
            for file in matching(source / table, "*.parquet"):
                (folder / table / file.name).write_bytes(read_whole(file))
        (folder / "study.json").write_bytes(read_whole(source / "study.json"))
    except FileNotFoundError:
        pass  # what is missing is told as of any other folder
    except Exception as error:  # an object store's libraries raise what they like
        said = str(error).splitlines()
        raise UserError(f"{text} cannot be read: {type(error).__name__}: {said[0] if said else ''}") from None
    return folder
