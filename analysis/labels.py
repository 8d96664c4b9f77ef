"""What tables and figures call the values of the columns."""

from binarygan.metrics.names import OF_IMAGES, OF_PREACTIVATED

NEURONS = {"deterministic": "DBN", "stochastic": "SBN", "real": "real-valued"}
THRESHOLD, BERNOULLI = "real-valued, threshold", "real-valued, Bernoulli"
OBJECTIVES = {"wgan-gp": "WGAN-GP", "wgan": "WGAN", "gan": "GAN"}
ARCHITECTURES = {"mlp": "MLP", "cnn": "CNN"}
NORMS = {"none": "no BN in D", "batch": "BN in D", "affine": "affine in D", "layer": "layer norm in D"}
COLUMNS = {
    "source": "source",
    "objective": "objective",
    "architecture": "network",
    "discriminator_norm": "norm in D",
    "output": "neuron",
    "members": "members",
    "done": "done",
    "discriminator_loss": "D loss",
    "generator_loss": "G loss",
    "seconds": "seconds",
    **{metric.name: metric.label for metric in (*OF_IMAGES, *OF_PREACTIVATED)},
}
