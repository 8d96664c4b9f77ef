"""The study file that every study keeps in its folder: that file alone repeats the study."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from binarygan.config import MemberConfig
from binarygan.registry import file_digest
from study.options import RunOptions
from study.store.store import Store
from study.store.study_file import NAME, StudyFile, read_study_file, write_study_file

OMITTED = ("seed", "data", "data_digest", "part_parameters", "part_sources")
"""Fields that the file says otherwise."""


def keep_study_file(store: Store, options: RunOptions, cells: Sequence[MemberConfig], fidelity: str) -> None:
    """Write the study's file anew: these configurations, with every field; as many seeds as any command asked for."""
    path = store.folder / NAME
    before = read_study_file(path) if path.exists() else None
    common, configurations = _split([_fields(cell) for cell in cells])
    write_study_file(
        {
            **head_of(store, options, fidelity, cells[0].data_digest, before),
            "seeds": max(options.seeds, (before.seeds if before is not None else None) or 1),
            "set": common,
            "configurations": configurations if any(configurations) else [],
            "claims": claims_of(options.described or before),
        },
        path,
    )


def claims_of(file: StudyFile | None) -> list[dict[str, Any]]:
    """The user's claims as their file has them: the command's, or where it has none the one in the study's folder."""
    found = []
    for claim in file.claims if file is not None else ():
        said = {"is" if k == "relation" else k: v for k, v in dataclasses.asdict(claim).items()}
        found.append({k: v for k, v in said.items() if k != "than" or v})
    return found


def head_of(
    store: Store, options: RunOptions, fidelity: str, digest: str, before: StudyFile | None = None
) -> dict[str, Any]:
    """What every study's file begins with; `digest`: of its data, `before`: the file that the study has."""
    said = options.described or before
    shows = said.shows if said is not None else ""
    return {
        "name": store.study,
        "shows": shows or (f"the grid {options.grid}" if options.grid else ""),
        "variant": fidelity,
        "data": {"name": options.data, "digest": digest},
        "plugins": [_plugin(name) for name in options.plugins],
    }


def _plugin(name: str) -> dict[str, str]:
    """A file by its name and digest, an installed module by its name."""
    path = Path(name)
    return {"name": path.name, "digest": file_digest(path)} if path.suffix == ".py" else {"name": name}


def _fields(config: MemberConfig) -> dict[str, Any]:
    """What a study file has to say of a configuration, parts' own parameters by their names."""
    own = {k: v for k, v in config.to_dict().items() if v is not None and k not in OMITTED}
    return own | json.loads(config.part_parameters or "{}")


def _split(cells: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What all have in common, and what each has beside it."""
    common = {k: v for k, v in cells[0].items() if all(k in c and c[k] == v for c in cells)}
    return common, [{k: v for k, v in c.items() if k not in common} for c in cells]
