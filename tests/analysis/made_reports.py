"""Reports that are made once and read by many tests, their pages taken apart."""

import fcntl
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.__main__ import main


class Reader(HTMLParser):
    """Headings, links, images and the text of a page, on one line."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.sections: list[str] = []
        self._data: list[str] = []
        self.feed(html)
        self.text = " ".join("".join(self._data).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._data.append(" ")
        if tag == "section":
            self.sections.append(dict(attrs)["id"] or "")

    def handle_data(self, data: str) -> None:
        self._data.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@dataclass(frozen=True)
class Report:
    """A study's folder, and where its report is."""

    folder: Path
    out: Path

    @cached_property
    def html(self) -> str:
        return (self.out / "report.html").read_text()

    @cached_property
    def page(self) -> Reader:
        return Reader(self.html)

    @property
    def text(self) -> str:
        return self.page.text

    def table(self, name: str, **how: Any) -> pd.DataFrame:
        return pd.read_csv(self.out / "tables" / f"{name}.csv", **how)


def report_of(folder: Path, out: Path, *more: str, status: int = 0) -> Report:
    assert main(["report", str(folder), "--out", str(out), *more]) == status
    return Report(folder, out)


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that `make` fills once, whichever of several test processes comes first."""
    own = factory.getbasetemp()
    root = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    home, made = root / name, root / f"{name}.made"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(home, ignore_errors=True)  # of a process that failed
            home.mkdir()
            make(home)
            made.touch()
    return home
