"""One thread a process: on a CPU a trial has one core, and more busy threads than cores slow torch 5 to 20 times."""

import threadpoolctl
import torch


def use_one_thread() -> None:
    """Have torch and every BLAS and OpenMP library of this process compute with one thread, whatever the environment
    says.
    """
    torch.set_num_threads(1)
    threadpoolctl.threadpool_limits(limits=1)
