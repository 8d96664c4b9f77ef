"""Chaos: `python tests/chaos/harness.py --faults 200` damages real studies at random moments until so many faults.

Each command of scenarios.py is run again and again, with whatever happens in between, until it is done; then its study
must hold every member once, equal to the undisturbed run's, with nothing left over. The seed is printed; the table at
the end says how often each fault took effect.
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
from itertools import cycle
from pathlib import Path

import pandas as pd
import psutil
from faults import OF_DISKS, Fault, can_mount, interrupt, kill_driver, unmount
from scenarios import MOMENTS, SCENARIOS, Scenario, expect, prepare
from study_under_test import ROOT, assert_readable, write_digits

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

    def __init__(self, scratch: Path, seed: int) -> None:
        self.chance, self._scratch = random.Random(seed), scratch
        self._data = write_digits(scratch / "digits.npy")
        self._expected: dict[str, dict[str, pd.DataFrame]] = {}
        self.injected: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.studies: Counter[str] = Counter()

    def study(self, name: str, most: int) -> None:
        """A study of this scenario to its end, with at most so many faults on the way."""
        scenario, before = SCENARIOS[name], self.injected.total()
        results, notes = (self._scratch / f"{what}-{self.studies.total()}" for what in ("study", "notes"))
        results.mkdir()
        notes.mkdir()
        if name not in self._expected:
            whole = self._scratch / f"whole {name}"
            (whole / "notes").mkdir(parents=True)
            environment = _environment(scenario, whole / "notes")
            self._expected[name] = expect(scenario, self._data, whole, environment)
        mounted = any(f in OF_DISKS for f in scenario.faults) and can_mount(results)
        usable = [f for f in scenario.faults if mounted or f not in OF_DISKS]
        try:
            prepare(scenario, self._data, results)
            for attempt in range(10 * most + 5):
                left = most - (self.injected.total() - before)
                status = self._attempt(scenario, results, usable, notes, left)
                self.statuses[status] += 1
                for note in notes.iterdir():
                    if not note.suffix:
                        self.injected[note.name] += 1
                        print(f"  {note.name}", flush=True)
                        note.rename(note.with_suffix(".counted"))
                        self._forget(note)
                left = most - (self.injected.total() - before)
                print(f"{name}, attempt {attempt}: status {status}, {left} faults left", flush=True)
                if status == scenario.status and scenario.is_over(results):
                    break
            else:
                raise AssertionError("the study does not end")
            scenario.check(results, self._expected[name])
        finally:
            if mounted:
                unmount(results)
        shutil.rmtree(results, ignore_errors=True)
        self.studies[name] += 1

    @staticmethod
    def _forget(note: Path) -> None:
        """A command may be killed at several moments; what trainings meet they meet again, and it counts once."""
        if note.name.startswith("killed"):
            note.with_suffix(".counted").unlink()

    def _attempt(self, scenario: Scenario, results: Path, faults: Sequence[Fault], notes: Path, left: int) -> int:
        """Run the command once, with faults at random moments, or a kill at a moment of its own; its exit status."""
        words, environment, by_moment = scenario.words(self._data, results), _environment(scenario, notes), False
        if left > 0 and scenario.moments and self.chance.random() < 0.4:
            kind, by_moment = self.chance.choice(scenario.moments), True
            environment["CHAOS_MOMENT"] = f"{kind}:{self.chance.randrange(scenario.calls)}"
        clock = self.chance.choice(CLOCKS) if left > 0 and FAKETIME and scenario.skews else ""
        if clock:
            words += ["--executor", "local"]
            environment |= {"LD_PRELOAD": str(FAKETIME[0]), "FAKETIME": clock}
            self.injected["skewed clock"] += 1
            left -= 1
        log = self._scratch / "driver.log"
        with log.open("w") as out:
            process = subprocess.Popen(words, cwd=ROOT, stdout=out, stderr=out, env=environment, start_new_session=True)
        driver = psutil.Process(process.pid)
        usable = [f for f in faults if not clock or f in OF_DISKS or f in (kill_driver, interrupt)]
        while process.poll() is None:
            self._wait(process, results, scenario.haste)
            assert_readable(results)
            if process.poll() is None and left > 0 and not by_moment:
                left -= self._inject(self.chance.choice(usable), process, driver, results)
        assert_readable(results)
        said = log.read_text()
        if process.returncode not in (0, -9):
            print("   ", said.strip().splitlines()[-1][:200] if said.strip() else "", flush=True)
        assert "Traceback" not in said or process.returncode < 0, said
        return process.returncode

    def _inject(self, fault: Fault, process: subprocess.Popen[bytes], driver: psutil.Process, results: Path) -> bool:
        """Whether it took effect: there may be no such process."""
        done = False
        with suppress(psutil.NoSuchProcess):
            done = fault(driver, results, self.chance)
        if done:
            print(f"  {fault.__name__}", flush=True)
            self.injected[fault.__name__] += 1
            if fault is interrupt and self.chance.random() < 0.5:  # at other times something else comes upon it
                process.wait(INTERRUPT_SECONDS)
        return done

    def _wait(self, process: subprocess.Popen[bytes], results: Path, haste: float) -> None:
        """Until a random while after the study wrote something, or the driver ended."""
        start, written = time.monotonic(), _newest(results)
        while process.poll() is None and _newest(results) == written:
            time.sleep(0.05)
            if time.monotonic() - start > HANG_SECONDS:
                for child in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
                    with suppress(psutil.NoSuchProcess):
                        child.kill()
                raise AssertionError(f"the driver hangs: {(self._scratch / 'driver.log').read_text()[-2000:]}")
        time.sleep(self.chance.uniform(0, 1.5 * haste))


def _environment(scenario: Scenario, notes: Path) -> dict[str, str]:
    paths = {"PYTHONPATH": str(MOMENTS.parent), "CHAOS_TOOK": str(notes), "CHAOS_TRAINING": scenario.training}
    return {**os.environ, **paths}


def _newest(results: Path) -> float:
    """When a file of the results was written last."""
    times = [0.0]
    for path in results.rglob("*.parquet"):
        with suppress(OSError):
            times.append(path.stat().st_mtime_ns)
    return max(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--a-study", type=int, default=10, help="faults a study")
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, default=[*SCENARIOS], help="scenarios")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job and its children would be deaf to it
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as scratch:
        chaos = Chaos(Path(scratch), arguments.seed)
        for name in cycle(arguments.only):
            if (done := chaos.injected.total()) >= arguments.faults:
                break
            chaos.study(name, min(arguments.a_study, arguments.faults - done))
    report = {
        "seed": arguments.seed,
        "faults": dict(sorted(chaos.injected.items())),
        "total": chaos.injected.total(),
        "studies": dict(chaos.studies),
        "exit statuses": {str(k): v for k, v in sorted(chaos.statuses.items())},
        "minutes": round((time.monotonic() - start) / 60, 1),
    }
    print(json.dumps(report, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
