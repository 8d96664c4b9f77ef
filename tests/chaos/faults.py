"""What goes wrong on real machines, done for real to a running study."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

Fault = Callable[[psutil.Process, Path, random.Random], None]
"""Does its damage to the driver or its results folder, and takes back what a machine would get back."""


def kill_driver(driver: psutil.Process, results: Path, chance: random.Random) -> None:
    """SIGKILL to the driver alone."""
    driver.kill()


def kill_worker(driver: psutil.Process, results: Path, chance: random.Random) -> None:
    """SIGKILL to a process that trains."""
    _kill(driver, chance, "ray::ImplicitFunc", "ray::_trainable")


def kill_raylet(driver: psutil.Process, results: Path, chance: random.Random) -> None:
    """SIGKILL to Ray's own daemon."""
    _kill(driver, chance, "raylet")


def kill_group(driver: psutil.Process, results: Path, chance: random.Random) -> None:
    """SIGKILL to everything at once, as a power cut would."""
    for process in [driver, *driver.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def stop_worker(driver: psutil.Process, results: Path, chance: random.Random) -> None:
    """SIGSTOP to a process that trains, SIGCONT some seconds later."""
    workers = _named(driver, "ray::ImplicitFunc", "ray::_trainable")
    if workers:
        worker = chance.choice(workers)
        with suppress(psutil.NoSuchProcess):
            worker.suspend()
            time.sleep(chance.uniform(1, 6))
            worker.resume()


def fill_disk(driver: psutil.Process, results: Path, chance: random.Random) -> None:
    """Not a byte is left on the file system of the results for some seconds."""
    filler = results / "filler"
    with suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(b"\0" * 4096)
            file.flush()
    time.sleep(chance.uniform(2, 8))
    filler.unlink()


def read_only(driver: psutil.Process, results: Path, chance: random.Random) -> None:
    """The file system of the results is read-only for some seconds."""
    if subprocess.run(["mount", "-o", "remount,ro", str(results)], capture_output=True).returncode == 0:
        time.sleep(chance.uniform(2, 8))
        subprocess.run(["mount", "-o", "remount,rw", str(results)], check=True)


def interrupt(driver: psutil.Process, results: Path, chance: random.Random) -> None:
    """Ctrl-C."""
    driver.send_signal(signal.SIGINT)


OF_PROCESSES: tuple[Fault, ...] = (kill_driver, kill_worker, kill_raylet, kill_group, stop_worker, interrupt)
OF_RAY = (kill_worker, kill_raylet, stop_worker)
"""They need processes of Ray's."""
OF_DISKS: tuple[Fault, ...] = (fill_disk, read_only)
"""They need a file system of their own, and the right to mount one."""


def can_mount(folder: Path, size: str = "256m") -> bool:
    """Whether a small file system could be mounted on the folder."""
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "chaos", str(folder)]
    return os.geteuid() == 0 and subprocess.run(words, capture_output=True).returncode == 0


def unmount(folder: Path) -> None:
    """Take it away again."""
    subprocess.run(["umount", "-l", str(folder)], capture_output=True)


def _named(driver: psutil.Process, *names: str) -> list[psutil.Process]:
    found = []
    with suppress(psutil.NoSuchProcess):
        for child in driver.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                words = child.cmdline()
                if words and any(Path(words[0]).name.startswith(n) or words[0].startswith(n) for n in names):
                    found.append(child)
    return found


def _kill(driver: psutil.Process, chance: random.Random, *names: str) -> None:
    if found := _named(driver, *names):
        with suppress(psutil.NoSuchProcess):
            chance.choice(found).kill()
