"""oneDNN's products against PyTorch's own, wherever this processor has them."""

import pytest
import torch
from members import critic_images, small, trainer
from torch import Tensor

from binarygan.arithmetic import onednn
from binarygan.arithmetic.products import initial_arithmetic, multiply, multiply_add

BIG = {"m": 2, "n": 128, "k": 128, "u": 80}


def operands(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    source = torch.Generator().manual_seed(0)
    a = torch.randn(BIG["m"], BIG["n"], BIG["k"], generator=source)
    b = torch.randn(BIG["m"], BIG["k"], BIG["u"], generator=source)
    return a.to(dtype), b.to(dtype), torch.randn(BIG["m"], BIG["u"], generator=source)


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """oneDNN for float32, whoever made the processor."""
    if not torch.backends.mkldnn.is_available():
        pytest.skip("this build of PyTorch has no oneDNN")
    monkeypatch.setattr(onednn, "_mkl_is_slower", lambda: True)


def needs_bfloat16() -> None:
    if not onednn._has_bfloat16():
        pytest.skip("oneDNN has no bfloat16 on this processor")


@pytest.mark.parametrize("transposed", ["neither", "a", "b", "both"])
def test_products_are_exact_in_every_layout(always: None, transposed: str) -> None:
    a, b, bias = operands(torch.float32)
    if transposed in ("a", "both"):
        a = a.mT.contiguous().mT
    if transposed in ("b", "both"):
        b = b.mT.contiguous().mT
    assert onednn.serves(a, b)
    expected = a.double() @ b.double()
    torch.testing.assert_close(multiply(a, b).double(), expected, rtol=1e-5, atol=1e-4)
    with torch.no_grad():
        torch.testing.assert_close(
            multiply_add(bias, a, b).double(), expected + bias.double().unsqueeze(1), rtol=1e-5, atol=1e-4
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_first_and_second_derivatives_are_autograds(always: None, dtype: torch.dtype) -> None:
    """Of a product and of its gradient's square, as a gradient penalty has them."""
    if dtype is torch.bfloat16:
        needs_bfloat16()

    def derivatives(a: Tensor, b: Tensor, bias: Tensor) -> list[Tensor]:
        leaves = [t.detach().requires_grad_() for t in (a, b, bias)]
        y = multiply_add(leaves[2], leaves[0], leaves[1])
        (grad_a,) = torch.autograd.grad(y.square().mean(), leaves[0], create_graph=True)
        return [grad_a.detach(), *torch.autograd.grad(grad_a.float().square().mean() + y.mean(), leaves)]

    a, b, bias = operands(dtype)
    assert onednn.serves(a, b)
    limit = 1e-5 if dtype is torch.float32 else 2**-6
    for found, expected in zip(derivatives(a, b, bias), derivatives(*(t.double() for t in (a, b, bias))), strict=True):
        assert (found.double() - expected).norm() <= limit * expected.norm()


def test_it_leaves_alone_what_it_does_not_serve(always: None) -> None:
    a, b, _ = operands(torch.float32)
    assert not onednn.serves(a.double(), b.double())
    assert not onednn.serves(a, b[:, :, :1])
    assert not onednn.serves(a[:, :4], b)
    spread, beside = (
        torch.zeros(*b.shape, 2)[..., 0],
        torch.zeros(len(b), b.shape[1], 2 * b.shape[2])[..., : b.shape[2]],
    )
    assert not onednn.serves(a, spread), "its fallback takes hundreds of times as long"
    assert not onednn.serves(a, beside), "likewise"
    torch.testing.assert_close(multiply(a[:, :4], b), a[:, :4] @ b)


def test_exported_programs_have_none_of_its_operations(always: None) -> None:
    a, b, _ = operands(torch.float32)

    class Product(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return multiply(x, b)

    with initial_arithmetic():
        program = torch.export.export(Product(), (a,))
    assert "mkldnn" not in str(program)


def test_it_serves_the_dense_layers_of_a_cohort_of_cnns(always: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose inputs are maps, in which members lie side by side."""
    one = trainer(
        *(
            small(architecture="cnn", discriminator_norm="none", seed=seed, batch_size=64, train_images=64)
            for seed in range(2)
        )
    )
    shapes = []
    at_once = onednn.product
    monkeypatch.setattr(
        onednn, "product", lambda a, b, *bias: (shapes.append((a.shape, b.shape)), at_once(a, b, *bias))[1]
    )
    epsilon = torch.rand(2, 64, 1)
    images = critic_images(*torch.rand(2, 2, 64, 784), epsilon)
    one.engine.critic_gradients(one.discriminator.operands, images, epsilon)
    assert ((2, 128, 192), (2, 192, 2304)) in shapes  # the first dense layer's gradient
