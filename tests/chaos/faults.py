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

Fault = Callable[[psutil.Process, Path, random.Random], bool]
"""Does its damage to the driver or its results folder, and takes back what a machine would get back; whether it did."""


def kill_driver(driver: psutil.Process, results: Path, chance: random.Random) -> bool:
    """SIGKILL to the driver alone."""
    driver.kill()
    return True


def kill_worker(driver: psutil.Process, results: Path, chance: random.Random) -> bool:
    """SIGKILL to a process that trains."""
    return _kill(driver, chance, "ray::ImplicitFunc", "ray::_trainable")


def kill_raylet(driver: psutil.Process, results: Path, chance: random.Random) -> bool:
    """SIGKILL to Ray's own daemon."""
    return _kill(driver, chance, "raylet")


def kill_group(driver: psutil.Process, results: Path, chance: random.Random) -> bool:
    """SIGKILL to everything at once, as a power cut would."""
    for process in [driver, *driver.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return True


def stop_worker(driver: psutil.Process, results: Path, chance: random.Random) -> bool:
    """SIGSTOP to a process that trains, SIGCONT some seconds later."""
    workers = _named(driver, "ray::ImplicitFunc", "ray::_trainable")
    if not workers:
        return False
    worker = chance.choice(workers)
    worker.suspend()
    time.sleep(chance.uniform(1, 6))
    with suppress(psutil.NoSuchProcess):
        worker.resume()
    return True


def fill_disk(driver: psutil.Process, results: Path, chance: random.Random) -> bool:
    """Not a byte is left on the file system of the results for some seconds."""
    filler = results / "filler"
    with suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(b"\0" * 4096)
            file.flush()
    time.sleep(chance.uniform(2, 8))
    filler.unlink()
    return True


def read_only(driver: psutil.Process, results: Path, chance: random.Random) -> bool:
    """The study's folder is read-only for some seconds.

    The lock that the driver holds open forbids to make the file system itself so: the folder is mounted upon itself.
    """
    for study in (p for p in results.iterdir() if p.is_dir()):
        subprocess.run(["mount", "--bind", str(study), str(study)], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,bind,ro", str(study)], check=True)
            with suppress(OSError):
                (study / "written").touch()
                raise AssertionError(f"{study} is not read-only")
            time.sleep(chance.uniform(2, 8))
        finally:
            subprocess.run(["umount", "-l", str(study)], check=True)
        return True
    return False


def interrupt(driver: psutil.Process, results: Path, chance: random.Random) -> bool:
    """Ctrl-C."""
    driver.send_signal(signal.SIGINT)
    return True


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


def _kill(driver: psutil.Process, chance: random.Random, *names: str) -> bool:
    found = _named(driver, *names)
    if found:
        chance.choice(found).kill()
    return bool(found)
