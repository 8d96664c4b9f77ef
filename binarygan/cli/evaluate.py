"""All metrics of any set of binary images: `python -m binarygan.evaluate SAMPLES`.

SAMPLES is an .npy or .npz of N x 28 x 28 images of 0 and 1, or of rows of 98 bytes (`numpy.packbits` over 784 pixels).
An .npz holds one array, or one called `bits`, or the one that --array names.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

from binarygan.cli.commands import Parser, status_of
from binarygan.config import REFERENCES
from binarygan.data.images import DATASETS, PACKED, load_images
from binarygan.errors import UserError
from binarygan.io.arrays import member_of, read_numpy
from binarygan.metrics.extractor import extractors_digest
from binarygan.metrics.feature_distances import NEIGHBOURS
from binarygan.metrics.names import OF_IMAGES
from binarygan.metrics.scores import full_scores, reference_of


def load_samples(path: Path, array: str | None = None) -> torch.Tensor:
    """Binary images (N, 28, 28) bool of a file.

    Raises:
        UserError: it is missing, unreadable, of another shape, not binary, or holds too few images.
    """
    content = read_numpy(path, "samples file")
    if isinstance(content, np.lib.npyio.NpzFile):
        names = list(content.files)
        chosen = array or (names[0] if len(names) == 1 else "bits")
        if chosen not in names:
            raise UserError(
                f"samples file {path} has no array {chosen!r}: choose one of {', '.join(names)} with --array"
            )
        content = member_of(content, chosen, path, "samples file")
    if content.dtype == np.uint8 and content.ndim == 2 and content.shape[1] == PACKED:
        images = np.unpackbits(content, axis=1).reshape(-1, 28, 28)
    elif content.ndim == 3 and content.shape[1:] == (28, 28):
        if content.dtype.kind not in "biuf" or not np.isin(content, (0, 1)).all():
            raise UserError(f"samples file {path} is not binary: it holds values other than 0 and 1")
        images = content
    else:
        raise UserError(
            f"samples file {path} has shape {content.shape} of {content.dtype}; "
            f"N x 28 x 28, or N x {PACKED} bytes, is needed"
        )
    if len(images) <= NEIGHBOURS:
        raise UserError(f"samples file {path} holds {len(images)} images; at least {NEIGHBOURS + 1} are needed")
    return torch.from_numpy(images.astype(bool))


def parser() -> Parser:
    """The command's arguments."""
    p = Parser("python -m binarygan.evaluate", __doc__)
    p.add_argument("samples", type=Path, metavar="SAMPLES")
    p.add_argument("--array", metavar="NAME", help="which array of an .npz")
    p.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    p.add_argument("--data", default="mnist", metavar="NAME|FILE.npy", help=f"compare with: {', '.join(DATASETS)}")
    p.add_argument(
        "--reference", choices=REFERENCES, default=REFERENCES[0], help="which of its images (default: the test split)"
    )
    p.add_argument("--data-root", type=Path, metavar="DIR", help="folder of torchvision's data sets")
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command; the exit status."""
    return status_of(lambda: _evaluate(parser().parse_args(argv)))


def _evaluate(arguments: argparse.Namespace) -> int:
    images = load_samples(arguments.samples, arguments.array)
    data = load_images(arguments.data, root=arguments.data_root)
    count = len(data.packed[data.references(arguments.reference)])
    if count <= NEIGHBOURS:
        raise UserError(
            f"--data {arguments.data} has {count} {arguments.reference} images to compare with; at least "
            f"{NEIGHBOURS + 1} are needed"
        )
    reference = reference_of(data, torch.device("cpu"), arguments.reference)
    data.warn_if_few(arguments.reference)
    if len(images) < len(reference.images):
        print(
            f"warning: {len(images):,} samples against {len(reference.images):,} images: FID, coverage and others "
            "depend on the number of samples, so these do not compare with scores of more",
            file=sys.stderr,
        )
    scores, extractors = full_scores(images, reference), extractors_digest(arguments.reference)
    if arguments.json:
        named = {name: value if np.isfinite(value) else None for name, value in scores.items()}  # JSON has no NaN
        of = {"data": data.name, "reference": arguments.reference, "extractors": extractors}
        print(json.dumps({**named, "samples": len(images), **of}))
        return 0
    what = f"{data.name}'s {arguments.reference} images (extractors {extractors})"
    print(f"{len(images)} images of {arguments.samples} against {what}")
    for metric in OF_IMAGES:
        print(f"{metric.name:24}{scores[metric.name]:12.4f}  {metric.meaning}")
    return 0
