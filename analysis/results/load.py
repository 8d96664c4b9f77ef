"""Read a study's folder. Nothing is ever written there, and no name from a file is followed out of it."""

import json
import sys
from collections import Counter
from pathlib import Path

import pandas as pd

from analysis.results.cells import undecided
from analysis.results.study import Study
from binarygan.errors import UserError
from binarygan.io.files import matching, path_of, read_whole
from study.store.reading import files_of, read_folder
from study.store.schemas import SCHEMAS
from study.store.study_file import NAME as STUDY_FILE


def load_study(folder: Path) -> Study:
    """Read every run's row.

    Raises:
        UserError: no such folder, no study in it, or no file of its members/ can be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder} {'is no folder' if folder.exists() else 'does not exist'}: name a results/<study>")
    if not files_of(folder / "members")[0]:
        inside = sorted(p.parent.name for p in folder.glob("*/members") if files_of(p)[0])
        hint = f"; it holds the studies {', '.join(inside)}: name one of them" if inside else ""
        raise UserError(f"{folder} holds no study: it has no members/*.parquet{hint}")
    table, problems = read_folder(folder / "members", "members")
    members = table.to_pandas()
    twice = members["member_id"].duplicated(keep="last") & members["member_id"].notna()
    if twice.any():
        problems.append(f"members/: {twice.sum()} runs stand in two files: the later of each is used")
    nameless = members["member_id"].isna()
    if nameless.any():
        problems.append(f"members/: {nameless.sum()} rows have no member_id: left out")
    members = members[~twice & ~nameless].reset_index(drop=True)
    if members.empty:
        if not problems:
            raise UserError(f"{folder} holds no study: the files of its members/ have no rows")
        raise UserError(f"{folder}: no file of members/ can be read; the first: {problems[0]}")
    return Study(folder, members, (*problems, *_mixtures(members), *undecided(members)))


def _mixtures(members: pd.DataFrame) -> list[str]:
    """Lines about versions, commits and extractors that differ between runs."""
    counts = {f"versions of {package}": found for package, found in counts_of_versions(members).items()}
    for what, column in (("commits", "git_commit"), ("feature extractors (their FIDs do not compare)", "extractors")):
        counts[what] = Counter()
        for text, n in members[column].value_counts().items():
            counts[what][str(text)[:12] + "-dirty" * str(text).endswith("-dirty")] += int(n)
    lists = {
        what: [f"{name} ({n} run{'s' * (n > 1)})" for name, n in found.items()]
        for what, found in counts.items()
        if len(found) > 1
    }
    return [f"runs come from {len(listed)} {what}: {', '.join(listed)}" for what, listed in lists.items()]


def counts_of_versions(members: pd.DataFrame) -> dict[str, Counter[str]]:
    """Package -> version -> how many runs have it."""
    counts: dict[str, Counter[str]] = {}
    for text, n in members["versions"].value_counts().items():
        for package, version in versions_of(text).items():
            counts.setdefault(package, Counter())[version] += int(n)
    return counts


def versions_of(text: object) -> dict[str, str]:
    """A row's `versions`: package -> version; empty where it is no JSON object."""
    try:
        found = json.loads(str(text))
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def whole_number(value: object) -> int | None:
    """A whole number above 0; None for whatever else stands there."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= sys.maxsize
    return value if is_count else None  # type: ignore[return-value]


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
        for name in ("study.json", STUDY_FILE):
            if (source / name).exists():
                (folder / name).write_bytes(read_whole(source / name))
    except FileNotFoundError:
        pass  # what is missing is told as of any other folder
    except Exception as error:  # an object store's libraries raise what they like
        said = str(error).splitlines()
        raise UserError(f"{text} cannot be read: {type(error).__name__}: {said[0] if said else ''}") from None
    return folder
