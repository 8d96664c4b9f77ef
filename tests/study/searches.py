"""Searches to test with, and members as they leave them."""

from study.design.spaces import SPACES
from study.search.search import Search
from study.store.store import Store

COMMON = {"data": "mnist", "data_digest": "x", "train_images": 128, "epochs": 2, "dtype": "float32"}


def search(space: str = "annealing", **settings: object) -> Search:
    given = {"metrics": ("fid",), "seeds": 2, "fidelity": "as-described", "fields": COMMON, **settings}
    return Search(space=SPACES[space], **given)  # type: ignore[arg-type]


def finished(store: Store, own: Search, params: dict[str, object], fid: float) -> None:
    """The members of a cell, done with this FID."""
    for member in own.cohort(params).members:
        row = {**member.to_dict(), "member_id": member.member_id, "cell_id": member.cell_id}
        store.write("members", member.member_id, [row | {"status": "done", "fid": fid, "study": store.study}])
