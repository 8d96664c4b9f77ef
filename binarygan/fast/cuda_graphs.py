"""CUDA graphs: a step recorded once is one launch from then on, whatever the number of runs and kernels."""

from collections.abc import Callable

import torch

Step = Callable[[], None]
Recorder = Callable[[Step], Step]
"""Takes a step, which it may run once or not at all, and returns what runs it once more."""


def recorder(device: torch.device) -> Recorder | None:
    """What records steps as CUDA graphs with one pool of memory; None on a device that has no such thing.

    Recording runs nothing. Whatever is recorded must have run once before, on the same stream, so that libraries are
    set up.
    """
    if device.type != "cuda":
        return None
    pool = torch.cuda.graph_pool_handle()

    def record(step: Step) -> Step:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=pool):
            step()
        return graph.replay

    return record
