"""What `--plan` prints of a grid or a search: what would run, what is done, how long the rest takes."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from binarygan.config import MemberConfig
from binarygan.data.images import Images
from binarygan.errors import counted
from study.design.cohorts import Cohort, members_of
from study.launch.devices import has_gpu, usable_cpus
from study.options import RunOptions
from study.store.schemas import FINISHED
from study.store.store import Store

if TYPE_CHECKING:
    from study.search.search import Search

NAMED = ("objective", "architecture", "neuron", "discriminator_norm", "part_parameters", "part_sources")
"""Fields that a cell's line begins with, or that say nothing to a reader."""
SAMPLED = 8
"""How many trials are drawn at random from a space to estimate its cost."""


def show_plan(
    store: Store,
    cells: Sequence[MemberConfig],
    members: Sequence[MemberConfig],
    elsewhere: Sequence[str],
    cohorts: Sequence[Cohort],
    options: RunOptions,
    data: Images,
    device: str,
) -> None:
    """Print what would run, what is done, and how long the rest takes; write nothing.

    Args:
        elsewhere: what other studies have of the members, in words.
        cohorts: what is left to train.
    """
    rows = store.statuses()
    done = sum(rows.get(m.member_id, {}).get("status") in FINISHED for m in members)
    size = f"{counted(len(cells), 'cell')}, {counted(len(members), 'member')}"
    print(f"{store.study}: {size}, {done} finished, {counted(len(cohorts), 'trial')} on {device}")
    for cell, differing in zip(cells, _differing(cells), strict=True):
        norm = f"{cell.discriminator_norm} in D"
        print(
            f"  {cell.cell_id}  {cell.objective:8} {cell.architecture} {cell.neuron:13} {norm:11} {differing}".rstrip()
        )
    for line in elsewhere:
        print(f"  {line}")
    if cohorts:
        print(_costs(cohorts, options, data, device))


def show_search_plan(store: Store, search: "Search", options: RunOptions, data: Images, device: str) -> None:
    """Print what would run, what is settled, and how long the rest takes; write nothing."""
    from study.search.search import in_words
    from study.search.trials import existing_trials

    asked = options.searches
    wanted = asked.trials or 0
    trials = existing_trials(asked.storage, store.folder, store.study, search)
    settled = trials.counts().settled if trials else 0
    left = max(0, wanted - settled)
    goals = ", ".join(f"{m} {d}d" for m, d in zip(search.metrics, search.directions, strict=True))
    each = f"{counted(search.seeds, 'member')}, {counted(search.epochs, 'epoch')}"
    print(
        f"{store.study}: {counted(wanted, 'trial')} of {each}, "
        f"{settled} settled, {left} to run on {device}; goal: {goals} on {search.reference} images"
    )
    for name, declared in search.space.to_dict().items():
        print(f"  {name:24}{in_words(declared)}")
    if not left:
        return
    drawn = search.space.drawn(min(SAMPLED, left), search.fidelity, **search.fields)
    cohorts = [Cohort(tuple(members_of([cell], search.seeds))) for cell in drawn]
    line = _costs(cohorts, options, data, device, trials=left)
    stops = ", less what the scheduler stops" if asked.scheduler != "none" else ""
    print(f"{line} (from {len(cohorts)} trials drawn at random{stops})")


def _differing(cells: Sequence[MemberConfig]) -> list[str]:
    """What tells each from the others, beside what its line begins with: `estimator=gumbel estimator.temperature=1`."""
    of_each = [c.to_dict() | json.loads(c.part_parameters or "{}") for c in cells]
    names = dict.fromkeys(name for fields in of_each for name in fields if name not in NAMED)
    varied = [name for name in names if len({str(fields.get(name)) for fields in of_each}) > 1]
    return [" ".join(f"{n}={fields[n]}" for n in varied if fields.get(n) is not None) for fields in of_each]


def _costs(
    cohorts: Sequence[Cohort], options: RunOptions, data: Images, device: str, *, trials: int | None = None
) -> str:
    """A line about the hours and megabytes of these cohorts, after a few iterations of each kind were timed here.

    Args:
        trials: how many trials there are, of which the cohorts are a sample; None if the cohorts are all.
    """
    from study.cost.estimate import hours, megabytes, seconds_of

    count = trials or len(cohorts)
    times = count / len(cohorts)
    steps = sum(c.critic_steps() for c in cohorts) * times
    disk = sum(megabytes(c, keep_state=options.keep_state) for c in cohorts) * times
    if device == "cuda" and not has_gpu():
        return f"to train: {steps:,.0f} critic steps, about {disk:,.0f} MB of results; no GPU here to time them on"
    one_by_one = options.executor == "local" or device == "cuda"
    slots = min(options.clusters.max_concurrent or count, count, 1 if one_by_one else usable_cpus())
    print("timing a few iterations and evaluations of each kind …", flush=True)
    seconds = seconds_of(cohorts, data, device, slots, options.plugins)
    total = hours(seconds, slots) if times == 1 else sum(seconds) * times / slots / 3600
    return (
        f"to train: about {spoken(total)} on a machine like this one, {slots} at a time "
        f"({steps:,.0f} critic steps and their evaluations), about {disk:,.0f} MB of results"
    )


def spoken(hours: float) -> str:
    """Hours, or minutes if it is less than one hour.

    >>> spoken(2.34), spoken(0.2), spoken(0.001)
    ('2.3 h', '12 min', '1 min')
    """
    return f"{hours:.1f} h" if hours >= 1 else f"{max(hours * 60, 1):.0f} min"
