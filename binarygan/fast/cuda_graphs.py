"""CUDA graphs: a step recorded once is one launch from then on, whatever the number of runs and kernels."""

from collections.abc import Callable

import torch

Step = Callable[[], None]


class CudaGraphs:
    """Records steps as CUDA graphs with one pool of memory.

    Recording runs nothing. Whatever is recorded must have run once before, on the same stream, so that libraries are
    set up.
    """

    def __init__(self) -> None:
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, step: Step) -> Step:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            step()
        return graph.replay
