"""Read a study's folder."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from binarygan.errors import UserError

IMAGE = (64, 28, 28)


@dataclass(frozen=True)
class Study:
    """A study's members, and their samples on demand."""

    folder: Path
    members: pd.DataFrame
    damaged: tuple[str, ...]
    """Files that could not be read."""

    def last_samples(self, member_id: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Bits and preactivated outputs (64, 28, 28) after the last epoch; None where there are none."""
        path = self.folder / "samples" / f"{member_id}.parquet"
        if not path.exists():
            return None
        row = pq.read_table(path, partitioning=None).to_pylist()[-1]
        bits = np.unpackbits(np.frombuffer(row["bits"], np.uint8)).reshape(IMAGE)
        return bits, np.asarray(row["preactivated"], np.float32).reshape(IMAGE)


def load_anchors() -> Study:
    """The released code's runs and the floor of real images, measured by the code that measures ours."""
    return load_study(Path(__file__).parent / "anchors")


def load_study(folder: Path) -> Study:
    """Read every member's row. Raises UserError where there is no study; damaged files are named, the rest read."""
    paths = sorted((folder / "members").glob("*.parquet"))
    if not paths:
        raise UserError(f"{folder} holds no study: it has no members/*.parquet")
    tables, damaged = [], []
    for path in paths:
        try:
            tables.append(pq.read_table(path, partitioning=None))
        except (pa.ArrowException, OSError):
            damaged.append(str(path))
    if not tables:
        raise UserError(f"{folder}: no file of members/ can be read")
    return Study(folder, pa.concat_tables(tables, promote_options="default").to_pandas(), tuple(damaged))
