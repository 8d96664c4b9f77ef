"""Losses and the penalty against hand formulas."""

import torch

from binarygan.model.objectives import Gan, Wgan, WganGp, WganWeights, gradient_penalty

W = torch.linspace(-0.3, 0.4, 10, dtype=torch.float64)


def linear(images: torch.Tensor, passes: int = 1) -> torch.Tensor:
    return images @ W


def images() -> dict[str, torch.Tensor]:
    real, fake = torch.rand(2, 3, 8, 10, dtype=torch.float64)
    return {"real": real, "fake": fake, "epsilon": torch.rand(3, 8, 1, dtype=torch.float64)}


def test_penalty_of_a_linear_critic() -> None:
    expected = ((W.norm() - 1) ** 2).expand(3)
    torch.testing.assert_close(gradient_penalty(linear, **images()), expected, rtol=1e-6, atol=0)


def test_the_penalty_is_at_the_interpolated_images() -> None:
    """Of D(x) = |x|² / 2, whose gradient is x."""
    x = images()
    at = x["epsilon"] * x["real"] + (1 - x["epsilon"]) * x["fake"]
    found = gradient_penalty(lambda y: y.square().sum(2) / 2, **x)
    torch.testing.assert_close(found, (at.norm(dim=2) - 1).square().mean(1), rtol=1e-6, atol=0)


def test_critic_losses() -> None:
    x = images()
    of_real, of_fake = x["real"] @ W, x["fake"] @ W
    gan = -(torch.sigmoid(of_real).log().mean(1) + (1 - torch.sigmoid(of_fake)).log().mean(1))
    wasserstein = of_fake.mean(1) - of_real.mean(1)
    torch.testing.assert_close(Gan().critic_loss(linear, **x), gan)
    torch.testing.assert_close(Wgan().critic_loss(linear, **x), wasserstein)
    penalized = wasserstein + 7 * (W.norm() - 1) ** 2
    torch.testing.assert_close(WganGp(penalty_weight=7.0).critic_loss(linear, **x), penalized, rtol=1e-6, atol=0)


def test_generator_losses() -> None:
    logits = torch.randn(3, 8, dtype=torch.float64)
    torch.testing.assert_close(Gan().generator_loss(logits), -torch.sigmoid(logits).log().mean(1))
    for wasserstein in (Wgan(), WganGp()):
        torch.testing.assert_close(wasserstein.generator_loss(logits), -logits.mean(1))


def test_wgan_clips_every_parameter_or_all_but_those_of_norms() -> None:
    for objective, scale in ((Wgan(clip_value=0.01), 0.01), (WganWeights(clip_value=0.01), 1.0)):
        values = {"0.weight": -1.0, "0.bias": 0.5, "0.scale": 1.0, "0.shift": 0.002}
        tensors = {name: torch.full((2, 3), value) for name, value in values.items()}
        objective.constrain(tensors)
        found = [round(t[0, 0].item(), 6) for t in tensors.values()]
        assert found == [-0.01, 0.01, scale, 0.002]
