"""The fields that all configurations of a command share: its data, its length, its precision, its reference images."""

from typing import Any

from binarygan.arithmetic.precision import PRECISIONS
from binarygan.config import REFERENCES, MemberConfig
from binarygan.data.images import Images
from binarygan.errors import UserError
from binarygan.paper import split_of
from study.design.studies import settings_asked
from study.options import EPOCHS, OPTIONS_OF_PRECISIONS, QUICK_EPOCHS, QUICK_IMAGES, RunOptions

FASTEST = {"cpu": "fp32", "cuda": "tf32"}
"""The fastest precision on each device that gave float32's results at full length (docs/performance.md)."""


def common_fields(options: RunOptions, data: Images, device: str, known: dict[str, Any] | None) -> dict[str, Any]:
    """The fields that all configurations of a command share, unless a grid has its own values.

    Args:
        known: the description of the study if it exists. Its precision and its reference images are kept, unless an
            option asks for others.
    """
    chosen = settings_asked(options)
    usual = "validation" if options.search else "test"
    reference = options.reference or chosen.get("reference") or _reference_of(known, usual)
    count = data.count(chosen.get("split", split_of(options.fidelity, reference)), reference)
    dtype = OPTIONS_OF_PRECISIONS[options.precision] if options.precision else _dtype_of(known or {}, device)
    return {
        "data": data.name,
        "data_digest": data.digest,
        "train_images": min(count, QUICK_IMAGES) if options.quick else count,
        "epochs": options.epochs or (QUICK_EPOCHS if options.quick else EPOCHS),
        "dtype": dtype,
        "reference": reference,
        **chosen,
    }


def check_precision(dtype: str, device: str, options: RunOptions, *, tf32: bool = False) -> None:
    """A UserError where the device does not have a precision, or lacks what it needs.

    Args:
        tf32: a CPU may have it, which is float32 there.
    """
    if device == "cpu" and PRECISIONS[dtype].tf32 and not tf32:
        raise UserError(f"dtype {dtype} is a GPU's, and this trains on a CPU: use --precision fp32 or bf16")
    if device == "cpu" and dtype == "bfloat16" and not options.clusters.address:
        try:
            import numba  # noqa: F401
        except ImportError as error:  # it is missing, or too old for this NumPy
            raise UserError(
                f"dtype {dtype} on a CPU needs Numba ({error}): mend that or use --precision fp32"
            ) from None


def _values_of(known: dict[str, Any], field: str, default: Any = None) -> set[Any]:
    """The values that a field has in the configurations of a study, `default` where they do not say."""
    entries = [*known.get("cells", {}).values(), known.get("fixed")]  # of a grid, of a search
    return {str(entry.get(field, default)) for entry in entries if isinstance(entry, dict)}


def _reference_of(known: dict[str, Any] | None, usual: str) -> str:
    """What all configurations of a study are compared with, if it exists; else what is usual.

    The studies of before there was a choice do not say it: they compare with the test split.
    """
    found = _values_of(known or {}, "reference", MemberConfig.reference)
    return next((r for r in REFERENCES if found == {r}), usual)


def _dtype_of(known: dict[str, Any], device: str) -> str:
    """The one precision of all configurations of a study, if the device has it; else the device's fastest."""
    dtypes = _values_of(known, "dtype")
    for dtype in OPTIONS_OF_PRECISIONS.values():
        if dtypes == {dtype} and (device, dtype) != ("cpu", "tf32"):
            return dtype
    return OPTIONS_OF_PRECISIONS[FASTEST[device]]
