"""Training in every precision against float32, and what a GPU's products are set to."""

import pytest
import torch
from members import small, trainer

from binarygan.arithmetic.precision import PRECISIONS
from binarygan.arithmetic.products import exact_arithmetic, initial_arithmetic, set_arithmetic


@pytest.mark.parametrize(("architecture", "norm"), [("mlp", "none"), ("cnn", "batch")])
def test_bfloat16_trains_as_float32_does_to_its_rounding(architecture: str, norm: str) -> None:
    """Losses of the first epoch agree to bfloat16's rounding, and are not the same."""
    choices = {"architecture": architecture, "discriminator_norm": norm, "neuron": "real", "critic_steps": 2}
    exact, rounded = (trainer(small(dtype=dtype, **choices)) for dtype in ("float32", "bfloat16"))
    a, b = exact.train_epoch().discriminator_loss, rounded.train_epoch().discriminator_loss
    assert b.dtype is torch.float32
    assert all(t.dtype is torch.float32 for t in rounded.state().values())
    assert not torch.equal(a, b)
    torch.testing.assert_close(a, b, rtol=0.02, atol=0.02)


def test_a_gpus_products_are_exact_unless_tf32_is_asked() -> None:
    """By a trainer, too, for its members."""

    def found() -> set[str]:
        return {torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision}

    for name, expected in (("tf32", "tf32"), ("float32", "ieee"), ("bfloat16", "ieee"), ("tf32", "tf32")):
        set_arithmetic(tf32=PRECISIONS[name].tf32)
        assert found() == {expected}
    for name, expected in (("tf32", "tf32"), ("float32", "ieee"), ("tf32", "tf32")):
        trainer(small(dtype=name, objective="wgan", train_images=16, critic_steps=1)).train_epoch()
        assert found() == {expected}
    with exact_arithmetic():
        assert found() == {"ieee"}
    assert found() == {"tf32"}
    set_arithmetic(tf32=False)
    with initial_arithmetic():
        assert torch.backends.cudnn.conv.fp32_precision == "tf32"
    assert found() == {"ieee"}
