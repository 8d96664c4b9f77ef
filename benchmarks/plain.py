"""The plain eager PyTorch loop: torch.nn modules, torch's default optimizers, a step at a time, one member."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from binarygan.config import MemberConfig


class Affine(nn.Module):
    """What the released code's batch normalization comes to."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.ones(units)), nn.Parameter(torch.zeros(units))

    def forward(self, x: Tensor) -> Tensor:
        shape = (1, -1) if x.dim() == 2 else (1, -1, 1, 1)
        return self.scale.view(shape) * x / (1 + 1e-3) ** 0.5 + self.shift.view(shape)


class Binary(torch.autograd.Function):
    """The straight-through estimator as it is usually written."""

    @staticmethod
    def forward(ctx, a, slope, threshold):  # type: ignore[no-untyped-def]
        p = torch.sigmoid(slope * a)
        ctx.save_for_backward(p)
        ctx.slope = slope
        return (p > threshold).float()

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        (p,) = ctx.saved_tensors
        return grad * ctx.slope * p * (1 - p), None, None


def norm(kind: str, units: int, maps: bool) -> list[nn.Module]:
    if kind == "none":
        return []
    if kind == "affine":
        return [Affine(units)]
    return [nn.BatchNorm2d(units, eps=1e-3) if maps else nn.BatchNorm1d(units, eps=1e-3)]


def networks(config: MemberConfig) -> tuple[nn.Sequential, nn.Sequential]:
    """Generator (to the neurons' input) and discriminator of the paper's tables."""
    g, d = config.generator_norm, config.discriminator_norm
    if config.architecture == "mlp":
        generator = nn.Sequential(
            nn.Linear(config.latent_size, 1024), *norm(g, 1024, False), nn.ReLU(),
            nn.Linear(1024, 784), *norm(g, 784, False),
        )  # fmt: skip
        discriminator = nn.Sequential(
            nn.Linear(784, 512), *norm(d, 512, False), nn.LeakyReLU(0.2),
            nn.Linear(512, 256), *norm(d, 256, False), nn.LeakyReLU(0.2),
            nn.Linear(256, 1),
        )  # fmt: skip
        return generator, discriminator
    generator = nn.Sequential(
        nn.Unflatten(1, (config.latent_size, 1, 1)),
        nn.ConvTranspose2d(config.latent_size, 128, 2), *norm(g, 128, True), nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, 2), *norm(g, 64, True), nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 3, 2), *norm(g, 32, True), nn.ReLU(),
        nn.ConvTranspose2d(32, 1, 4, 2), *norm(g, 1, True), nn.Flatten(),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)),
        nn.Conv2d(1, 32, 3), *norm(d, 32, True), nn.LeakyReLU(0.2), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), *norm(d, 64, True), nn.LeakyReLU(0.2), nn.MaxPool2d(2, ceil_mode=True),
        nn.Flatten(), nn.Linear(2304, 128), *norm(d, 128, False), nn.LeakyReLU(0.2),
        nn.Linear(128, 1),
    )  # fmt: skip
    return generator, discriminator


class PlainLoop:
    """Trains one member as most implementations do: the generator runs again at every critic step."""

    def __init__(self, config: MemberConfig, images: Tensor, device: torch.device) -> None:
        torch.manual_seed(config.seed)
        self.config, self.images, self.device = config, images.to(device), device
        self.generator, self.discriminator = (network.to(device) for network in networks(config))
        parameters = [self.generator.parameters(), self.discriminator.parameters()]
        optimizers: list[torch.optim.Optimizer]
        if config.optimizer == "adam":
            assert config.beta1 is not None
            assert config.beta2 is not None
            betas = (config.beta1, config.beta2)
            optimizers = [torch.optim.Adam(p, lr=config.learning_rate, betas=betas) for p in parameters]
        else:
            assert config.decay is not None
            optimizers = [torch.optim.RMSprop(p, lr=config.learning_rate, alpha=config.decay) for p in parameters]
        self.of_generator, self.of_discriminator = optimizers
        self.iterations_done = 0

    def train_epoch(self) -> tuple[float, float]:
        """One pass over the images; mean losses."""
        config = self.config
        order = torch.randperm(config.train_images, device=self.device)
        critic_total, generator_total = torch.zeros(2, device=self.device).unbind()
        steps = 0
        for i in range(config.iterations_per_epoch):
            batch = order[i * config.batch_size : (i + 1) * config.batch_size]
            real = self.images[batch].float()
            z = torch.randn(config.batch_size, config.latent_size, device=self.device)
            for _ in range(config.critic_steps_before(self.iterations_done)):
                self.of_discriminator.zero_grad()
                with torch.no_grad():
                    fake = self.sample(z)
                loss = self.critic_loss(real, fake)
                loss.backward()
                self.of_discriminator.step()
                if config.clip_value is not None:
                    with torch.no_grad():
                        for p in self.discriminator.parameters():
                            p.clamp_(-config.clip_value, config.clip_value)
                critic_total = critic_total + loss.detach()
                steps += 1
            self.of_generator.zero_grad()
            logits = self.discriminator(self.sample(z))
            loss = F.softplus(-logits).mean() if config.objective == "gan" else -logits.mean()
            loss.backward()
            self.of_generator.step()
            generator_total = generator_total + loss.detach()
            self.iterations_done += 1
        return (critic_total / steps).item(), (generator_total / config.iterations_per_epoch).item()

    def sample(self, z: Tensor) -> Tensor:
        """Binary (or real-valued) images of z; the slope of the first epoch."""
        a = self.generator(z)
        if self.config.neuron == "real":
            return torch.sigmoid(a)
        threshold = torch.rand_like(a) if self.config.neuron == "stochastic" else 0.5
        result: Tensor = Binary.apply(a, 1.0, threshold)
        return result

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        of_real, of_fake = self.discriminator(real), self.discriminator(fake)
        if self.config.objective == "gan":
            return F.softplus(-of_real).mean() + F.softplus(of_fake).mean()
        loss: Tensor = of_fake.mean() - of_real.mean()
        if self.config.penalty_weight is not None:
            epsilon = torch.rand(len(real), 1, device=self.device)
            x = (epsilon * real + (1 - epsilon) * fake).requires_grad_()
            (grad_x,) = torch.autograd.grad(self.discriminator(x).sum(), x, create_graph=True)
            loss = loss + self.config.penalty_weight * ((grad_x.norm(dim=1) - 1) ** 2).mean()
        return loss
