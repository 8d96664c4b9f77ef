"""Tables and figures from a study's Parquet files alone: no torch, no Ray.

from analysis import load_study

study = load_study("results/paper-appendix")          # or "results/*", or "s3://bucket/results/paper-appendix"
study.members                                         # a row a run: configuration, status, metrics
study.curves()                                        # a row a run and epoch
study.samples(member_id).bits                         # (64, 28, 28) of 0 and 1
edges, counts = study.histogram(member_id)            # of preactivated outputs
compare_runs(study, "fid", {"neuron": "stochastic"}, {"neuron": "deterministic"})  # ratio with interval
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.library import Difference, Samples, Studies, Study, compare_runs, load_study

__all__ = ["Difference", "Samples", "Studies", "Study", "compare_runs", "load_study"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'analysis' has no attribute {name!r}")
    from analysis import library

    return getattr(library, name)
