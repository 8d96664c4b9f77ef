"""A GPU's generators on a CPU, against Random123, known numbers of a GPU, and a GPU where there is one."""

from collections import Counter

import numpy as np
import pytest
import torch
from gpu_members import GpuDraws, begin_as_torch_2_11
from members import small, trainer
from philox import GpuGenerator, philox


def test_the_words_are_random123s() -> None:
    assert [f"{word:08x}" for word in philox(0, 0, 1, 1).ravel()] == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]


def test_the_first_numbers_are_pytorchs() -> None:
    """`torch.manual_seed(0)`, then `torch.rand(8, device="cuda")`; likewise `randn`."""
    uniform = [0.3990, 0.5167, 0.0249, 0.9401, 0.9459, 0.7967, 0.4150, 0.8203]
    normal = [-0.9247, -0.4253, -2.6438, 0.1452, -0.1209, -0.5797, -0.6229, -0.3284]
    np.testing.assert_allclose(GpuGenerator(0, 132).uniform(8), uniform, atol=6e-5)
    np.testing.assert_allclose(GpuGenerator(0, 132).normal(8), normal, atol=6e-5)


def test_permutations_hold_every_index_once() -> None:
    """Of these hundred six have equal keys, which are shuffled by themselves; how, a GPU's own tell (below)."""
    for seed in range(100):
        assert max(Counter(GpuGenerator(seed, 132).permutation(70_000).tolist()).values()) == 1


def test_a_member_trains_on_a_gpus_numbers() -> None:
    """All of them the GPU's, from weights that PyTorch 2.11 gave."""
    config = small(neuron="stochastic", train_images=30_100)
    made = trainer(config)
    ours = made.generator.parameters["0.weight"].detach().clone()
    begin_as_torch_2_11(made)
    theirs = made.generator.parameters["0.weight"].detach()
    assert not torch.equal(theirs, ours)
    assert float(theirs.abs().max()) <= 0.04
    draws = GpuDraws(config, 1, 132)
    made.set_epoch(1)
    critic, generator = made.iteration(draws.batches()[0], draws, 2)
    assert critic.shape == (2, 1)
    assert critic.isfinite().all()
    assert generator.isfinite().all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpus_own_generator_gives_the_same() -> None:
    multiprocessors = torch.cuda.get_device_properties(0).multi_processor_count
    for seed in range(20):
        own, theirs = GpuGenerator(seed, multiprocessors), torch.Generator("cuda").manual_seed(seed)
        assert own.permutation(70_000).tolist() == torch.randperm(70_000, generator=theirs, device="cuda").tolist()
        for count in (8, 64, 300_000, 32 * 64 * 784):
            room = torch.empty(count, device="cuda")
            np.testing.assert_array_equal(own.uniform(count), room.uniform_(generator=theirs).cpu().numpy())
            np.testing.assert_allclose(own.normal(count), room.normal_(generator=theirs).cpu().numpy(), atol=1e-5)
