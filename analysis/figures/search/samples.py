"""Samples of a search's best trials."""

from analysis.figures.drawn import SEARCH, Drawn, figure
from analysis.figures.panels import Page, tile
from analysis.figures.picks import Pick
from analysis.figures.search.axes import shown
from analysis.results.load import Study
from analysis.search.trials import Trial

COLUMNS = 4


@figure("search-samples", "Samples of the best trials", section=SEARCH, order=3)
def search_samples(study: Study) -> Drawn | None:
    """The 64 samples of the first seed of each of the best trials that have any."""
    trials = shown(study)
    if trials is None:
        return None
    best = trials.ranked[:COLUMNS]
    found = [(trial, one) for trial in best if (one := _pick(study, trial)) is not None]
    if not found:
        return None
    page = Page(1, COLUMNS)
    parts = ["Grids of 8 by 8 generated digits, white on black, of the best complete trials."]
    for column, (trial, one) in enumerate(found):
        page.title(column, f"Trial {trial.number}")
        page.draw(0, column, tile(one.samples.bits), caption=one.caption("bits"))
        parts.append(f"Trial {trial.number} ({one.which}): {one.describe('bits')}.")
    missing = [f"trial {t.number}: no samples" for t in best if t not in [trial for trial, _ in found]]
    return Drawn(page.figure, " ".join(parts), missing)


def _pick(study: Study, trial: Trial) -> Pick | None:
    [member] = [row for _, row in study.members[study.members["member_id"] == trial.member_ids[0]].iterrows()]
    samples = study.samples(trial.member_ids[0])
    return None if samples is None else Pick(member, samples)
