"""What a run says before and after: its plan, and how each member ended."""

import os
from collections.abc import Mapping, Sequence

from binarygan.config import MemberConfig
from binarygan.data.images import Images
from binarygan.errors import printable
from study.design.cohorts import Cohort
from study.launch.devices import has_gpu
from study.store.schemas import FINISHED
from study.store.store import Store


def show_plan(
    store: Store,
    cells: Sequence[MemberConfig],
    members: Sequence[MemberConfig],
    taken: Mapping[str, str],
    cohorts: Sequence[Cohort],
    data: Images,
    device: str,
    max_concurrent: int | None,
    places: int | None = None,
) -> None:
    """Print what would run, what is done, and how long the rest takes.

    Args:
        taken: members that need no training here -> the study that has them.
        places: trials at a time; as many as the machine has places for where None.
    """
    rows = store.statuses()
    done = sum(rows.get(m.member_id, {}).get("status") in FINISHED for m in members)
    print(
        f"{store.study}: {len(cells)} cells, {len(members)} members, {done} finished, {len(cohorts)} trials on {device}"
    )
    for cell in cells:
        print(
            f"  {cell.cell_id}  {cell.objective:8} {cell.architecture} {cell.neuron:13} {cell.discriminator_norm} in D"
        )
    if taken:
        print(f"  to be taken over: {len(taken)} members from {', '.join(sorted(set(taken.values())))}")
    if not cohorts:
        return
    print(costs_line(cohorts, data, device, max_concurrent, places=places))


def costs_line(
    cohorts: Sequence[Cohort],
    data: Images,
    device: str,
    max_concurrent: int | None,
    *,
    times: float = 1.0,
    places: int | None = None,
    trials: int | None = None,
) -> str:
    """Hours and disk of these cohorts, `times` over, from a few iterations timed here; `trials` of them in all."""
    from study.cost.estimate import hours, megabytes, seconds_of

    steps = sum(c.critic_steps() for c in cohorts) * times
    disk = sum(megabytes(c) for c in cohorts) * times
    if device == "cuda" and not has_gpu():
        return f"to train: {steps:,.0f} critic steps, about {disk:,.0f} MB of results; no GPU here to time them on"
    count = trials or len(cohorts)
    places = places or min(max_concurrent or count, count, 1 if device == "cuda" else os.cpu_count() or 1)
    print("timing a few iterations and evaluations of each kind …", flush=True)
    seconds = seconds_of(cohorts, data, device, places)
    longest = hours(seconds, places) if times == 1.0 else sum(seconds) * times / places / 3600
    return (
        f"to train: about {spoken(longest)} on a machine like this one, {places} at a time "
        f"({steps:,.0f} critic steps and their evaluations), about {disk:,.0f} MB of results"
    )


def spoken(hours: float) -> str:
    """Hours, or minutes where it is less than one.

    >>> spoken(2.34), spoken(0.2), spoken(0.001)
    ('2.3 h', '12 min', '1 min')
    """
    return f"{hours:.1f} h" if hours >= 1 else f"{max(hours * 60, 1):.0f} min"


def summarize(store: Store, members: Sequence[MemberConfig]) -> int:
    """Print how the members ended, each that is not done with its reason; the exit status."""
    rows = store.statuses()
    by_status: dict[str, list[MemberConfig]] = {}
    for member in members:
        by_status.setdefault(rows.get(member.member_id, {}).get("status", "missing"), []).append(member)
    print(f"{store.folder}: " + ", ".join(f"{len(v)} {k}" for k, v in sorted(by_status.items())))
    unfinished = [m for status, found in by_status.items() if status != "done" for m in found]
    for m in unfinished:
        row = rows.get(m.member_id, {})
        what = f"{m.objective} {m.architecture} {m.neuron} D norm {m.discriminator_norm} seed {m.seed}"
        why = printable(row.get("error") or "not trained to its end")
        print(f"  {m.member_id} {what}: {row.get('status', 'missing')}: {why}")
    print(f"next: python -m analysis report {store.folder}")
    return 1 if unfinished else 0
