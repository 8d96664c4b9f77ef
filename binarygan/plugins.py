"""Plugins: files, modules or installed packages that register parts, grids, search spaces, metrics or figures.

Nothing is loaded that a command does not name. What a file defines goes to processes on other machines with its text.
"""

import importlib
import importlib.metadata
import importlib.util
import re
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from binarygan.errors import UserError, nearest

GROUP = "binarygan.parts"
"""Of the entry points by which an installed package offers its parts, under a short name."""


@dataclass(frozen=True)
class Plugin:
    """What `--plugin` names, as it goes to other processes."""

    name: str
    """Absolute path of a file; or a module, or an entry point, which must be installed where it is loaded."""
    text: bytes | None = None
    """Of a file."""

    @property
    def is_file(self) -> bool:
        """Whether it is a file, rather than what is installed."""
        return self.name.endswith(".py")


def plugins_of(names: Iterable[str]) -> tuple[Plugin, ...]:
    """The plugins of these names, files with their text, for processes that may run elsewhere.

    Raises:
        UserError: there is no such file.
    """
    found = []
    for name in names:
        if not name.endswith(".py"):
            found.append(Plugin(name))
            continue
        try:
            found.append(Plugin(str(Path(name).resolve()), Path(name).read_bytes()))
        except OSError as error:
            raise UserError(f"--plugin {name}: there is no such Python file ({error.strerror})") from None
    return tuple(found)


def load_plugins(plugins: Iterable[str | Path | Plugin]) -> None:
    """Import each plugin, once a process; a file is the module `plugin_<its stem>`.

    Raises:
        UserError: one is missing, raises an error, or has the name of another plugin.
    """
    for plugin in plugins:
        own = plugin if isinstance(plugin, Plugin) else plugins_of([str(plugin)])[0]
        try:
            _load_file(own) if own.is_file else _load_installed(own.name)
        except UserError as error:
            said = str(error)
            raise UserError(said if said.startswith("--plugin") else f"--plugin {own.name}: {said}") from error
        except (Exception, SystemExit) as error:
            raise UserError(f"--plugin {own.name}: {type(error).__name__}: {error}") from error


def _load_file(plugin: Plugin) -> None:
    path = Path(plugin.name)
    name = "plugin_" + re.sub(r"\W", "_", path.stem)
    known = sys.modules.get(name)
    if known is not None:
        if known.__dict__["__plugin__"] != plugin.name:
            raise UserError(f"{known.__dict__['__plugin__']} has the same name: rename one of them")
        return
    spec = importlib.util.spec_from_file_location(name, _here(path, plugin.text or b""))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    module.__dict__["__plugin__"] = plugin.name
    sys.modules[name] = module  # before it runs: its dataclasses look themselves up here
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def _here(path: Path, text: bytes) -> Path:
    """A file on this machine with the plugin's text: its own, or, where that is missing or another, a copy."""
    try:
        if path.read_bytes() == text:
            return path
    except OSError:
        pass
    copy = Path(tempfile.mkdtemp(prefix="plugin-")) / path.name
    copy.write_bytes(text)
    return copy


def _load_installed(name: str) -> ModuleType:
    offered = {point.name: point.value for point in importlib.metadata.entry_points(group=GROUP)}
    module = offered.get(name, name)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # one that the plugin itself imports
        known = nearest(name, offered) if offered else "none is offered by an installed package"
        raise UserError(f"no file (FILE.py), no installed module, no entry point of {GROUP}: {known}") from None
