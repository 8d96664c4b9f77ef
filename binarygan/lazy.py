"""PyTorch, imported when it is first used.

Files that declare parts take `torch` from here: their labels, bounds and names are read by programs that never need
PyTorch and should not wait seconds for it (`--list`, `--help`, every report). Annotations in such files are not
evaluated (`from __future__ import annotations`).
"""

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any


class _Lazy(ModuleType):
    def __getattr__(self, name: str) -> Any:
        value = getattr(importlib.import_module(self.__name__), name)
        setattr(self, name, value)
        return value


class _Called(ModuleType):
    """A module whose name is a function of the library, too."""

    def __call__(self, *positional: Any, **named: Any) -> Any:
        name = self.__name__.rpartition(".")[2]
        return getattr(importlib.import_module("binarygan.library"), name)(*positional, **named)


def also_a_function(module: str) -> None:
    """Have a command's module do what the function of its name does.

    `binarygan.sample` is a function, and `python -m binarygan.sample` a command, whose module takes the function's
    place where somebody imports it.
    """
    sys.modules[module].__class__ = _Called


if TYPE_CHECKING:
    import torch
else:
    torch = _Lazy("torch")

__all__ = ["also_a_function", "torch"]
