"""Chaos: `python tests/chaos/harness.py --faults 100` damages real studies at random moments until so many faults.

Each study is run by its command again and again, with whatever happens in between, until it is done; then it must hold
every member once, equal to the undisturbed run's, with nothing left over. The seed is printed; the table at the end
says how often each fault was injected.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil
from faults import OF_DISKS, OF_PROCESSES, Fault, can_mount, interrupt, unmount
from study_under_test import ROOT, assert_equal, assert_readable, command, undisturbed, write_digits

HANG_SECONDS = 400
"""A driver that neither ends nor writes for so long hangs."""
INTERRUPT_SECONDS = 60
"""A driver that goes on for so long after Ctrl-C is deaf to it; that it takes 10 s at most is tested elsewhere."""
CLOCKS = ("", "", "", "-400d", "+400d")
"""How far the clock is off in a run of the command; mostly not at all."""
FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
"""Debian's package faketime; without it no clock is skewed."""


class Chaos:
    """One run of the harness."""

    def __init__(self, scratch: Path, seed: int, seeds: int = 1, epochs: int = 4) -> None:
        self.chance, self._scratch = random.Random(seed), scratch
        self._size = {"seeds": seeds, "epochs": epochs}
        self._data = write_digits(scratch / "digits.npy")
        self._expected = undisturbed(self._data, scratch / "undisturbed", **self._size)
        self.injected: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.studies = 0

    def study(self, faults: Sequence[Fault], most: int) -> None:
        """A study to its end, with at most so many faults on the way."""
        results = self._scratch / f"study-{self.studies}"
        results.mkdir()
        mounted = any(f in OF_DISKS for f in faults) and can_mount(results)
        usable = [f for f in faults if mounted or f not in OF_DISKS]
        try:
            left = most
            for attempt in range(10 * most + 5):
                before = sum(self.injected.values())
                status = self._attempt(results, usable, left)
                self.statuses[status] += 1
                left -= sum(self.injected.values()) - before
                print(f"study {self.studies}, attempt {attempt}: status {status}, {left} faults left", flush=True)
                if status == 0:
                    break
            else:
                raise AssertionError("the study does not end")
            assert_equal(results, self._expected)
        finally:
            if mounted:
                unmount(results)
        shutil.rmtree(results, ignore_errors=True)
        self.studies += 1

    def _attempt(self, results: Path, faults: Sequence[Fault], left: int) -> int:
        """Run the command once, with faults at random moments; its exit status."""
        clock = self.chance.choice(CLOCKS) if left > 0 and FAKETIME else ""
        words = command(self._data, results, **self._size, executor="local" if clock else "ray")
        environment = dict(os.environ)
        if clock:
            environment |= {"LD_PRELOAD": str(FAKETIME[0]), "FAKETIME": clock}
            self.injected["skewed clock"] += 1
            left -= 1
        log = self._scratch / "driver.log"
        with log.open("w") as out:
            process = subprocess.Popen(words, cwd=ROOT, stdout=out, stderr=out, env=environment, start_new_session=True)
        driver = psutil.Process(process.pid)
        while process.poll() is None:
            self._wait(process, results)
            assert_readable(results)
            if process.poll() is None and left > 0:
                fault = self.chance.choice(faults)
                if (
                    fault not in OF_DISKS
                    and "ray" not in words[-1]
                    and fault.__name__ not in ("kill_driver", "interrupt")
                ):
                    continue
                done = False
                with suppress(psutil.NoSuchProcess):
                    done = fault(driver, results, self.chance)
                if not done:  # there was no such process, say
                    continue
                print(f"  {fault.__name__}", flush=True)
                self.injected[fault.__name__] += 1
                left -= 1
                if fault is interrupt and self.chance.random() < 0.5:  # at other times something else comes upon it
                    process.wait(INTERRUPT_SECONDS)
            assert_readable(results)
        said = log.read_text()
        if process.returncode not in (0, -9):
            print("   ", said.strip().splitlines()[-1][:200] if said.strip() else "", flush=True)
        assert "Traceback" not in said or process.returncode < 0, said
        return process.returncode

    def _wait(self, process: subprocess.Popen[bytes], results: Path) -> None:
        """Until a random while after the study wrote something, or the driver ended."""
        start, written = time.monotonic(), _newest(results)
        while process.poll() is None and _newest(results) == written:
            time.sleep(0.05)
            if time.monotonic() - start > HANG_SECONDS:
                for child in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
                    with suppress(psutil.NoSuchProcess):
                        child.kill()
                raise AssertionError(f"the driver hangs: {(self._scratch / 'driver.log').read_text()[-2000:]}")
        time.sleep(self.chance.uniform(0, 1.5))


def _newest(results: Path) -> float:
    """When a file of the results was written last."""
    times = [0.0]
    for path in results.rglob("*.parquet"):
        with suppress(OSError):
            times.append(path.stat().st_mtime_ns)
    return max(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--a-study", type=int, default=10, help="faults a study")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job and its children would be deaf to it
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as scratch:
        chaos = Chaos(Path(scratch), arguments.seed)
        while (done := sum(chaos.injected.values())) < arguments.faults:
            chaos.study((*OF_PROCESSES, *OF_DISKS), min(arguments.a_study, arguments.faults - done))
    report = {
        "seed": arguments.seed,
        "faults": dict(sorted(chaos.injected.items())),
        "total": sum(chaos.injected.values()),
        "studies": chaos.studies,
        "exit statuses": {str(k): v for k, v in sorted(chaos.statuses.items())},
        "minutes": round((time.monotonic() - start) / 60, 1),
    }
    print(json.dumps(report, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
