"""Plugins: Python files from outside the package that register parts, grids, search spaces or figures."""

import importlib.util
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from binarygan.errors import UserError


def load_plugins(paths: Iterable[str | Path]) -> None:
    """Import each file as the module `plugin_<its stem>`, once a process.

    Raises:
        UserError: a file is missing, raises an error, or has the name of another plugin.
    """
    for path in (Path(p).resolve() for p in paths):
        name = "plugin_" + re.sub(r"\W", "_", path.stem)
        known = sys.modules.get(name)
        if known is not None:
            if known.__file__ != str(path):
                raise UserError(f"--plugin {path}: {known.__file__} has the same name: rename one of them")
            continue
        if not path.is_file() or path.suffix != ".py":
            raise UserError(f"--plugin {path}: there is no such Python file (FILE.py)")
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # before it runs: its dataclasses look themselves up here
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            del sys.modules[name]
            reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
            raise UserError(f"--plugin {path}: {reason}") from error
