"""PyTorch, imported when it is first used.

Files that declare parts take `torch` from here: their labels, bounds and names are read by programs that never need
PyTorch and should not wait seconds for it (`--list`, `--help`, every report). Annotations in such files are not
evaluated (`from __future__ import annotations`).
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any


class _Lazy(ModuleType):
    def __getattr__(self, name: str) -> Any:
        value = getattr(importlib.import_module(self.__name__), name)
        setattr(self, name, value)
        return value


if TYPE_CHECKING:
    import torch
else:
    torch = _Lazy("torch")

__all__ = ["torch"]
