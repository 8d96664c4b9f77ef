"""What tables and figures call the values of the columns."""

from numbers import Real

from binarygan.metrics.names import METRICS, Live

NEURONS = {"deterministic": "DBN", "stochastic": "SBN", "real": "real-valued"}
THRESHOLD, BERNOULLI = "real-valued, threshold", "real-valued, Bernoulli"
OBJECTIVES = {"wgan-gp": "WGAN-GP", "wgan": "WGAN", "gan": "GAN"}
ARCHITECTURES = {"mlp": "MLP", "cnn": "CNN"}
NORMS = {"none": "no norm in D", "batch": "BN in D", "affine": "affine in D", "layer": "layer norm in D"}
STATUSES = {
    "done": "done",
    "failed": "failed",
    "diverged": "diverged",
    "running": "not at its end",
    "stopped": "stopped early",
}
SETTINGS = {
    "generator_norm": "norm in G",
    "discriminator_norm": "norm in D",
    "slope_rate": "slope rate",
    "learning_rate": "learning rate",
    "train_images": "images",
}
"""Fields of a configuration whose name is not label enough."""
_COLUMNS = {
    "source": "source",
    "fidelity": "fidelity",
    "objective": "objective",
    "architecture": "network",
    "discriminator_norm": "norm in D",
    "output": "neuron",
    "settings": "unlike the paper",
    "trial": "trial",
    "members": "members",
    **STATUSES,
    "discriminator_loss": "D loss",
    "generator_loss": "G loss",
    "seconds": "seconds",
}
COLUMNS = Live(lambda: _COLUMNS | {name: metric.label for name, metric in METRICS.items()})
MEANINGS = Live(lambda: {name: metric.meaning for name, metric in METRICS.items()})


def setting(name: str, of: object) -> str:
    """A field of a configuration with its value.

    >>> setting("slope_rate", 1.05), setting("train_images", 6400)
    ('slope rate 1.05', 'images 6,400')
    """
    return f"{SETTINGS.get(name, name.replace('_', ' '))} {value(of)}"


def choice(name: str, of: object) -> str:
    """A value of a field, by the name that figures and tables have for it.

    >>> choice("neuron", "stochastic"), choice("batch_size", 64), choice("learning_rate", 0.000312345)
    ('SBN', '64', '0.0003123')
    """
    known = {"neuron": NEURONS, "objective": OBJECTIVES, "architecture": ARCHITECTURES}.get(name, {})
    if isinstance(of, float):
        return f"{of:.4g}"
    return known.get(of, of) if isinstance(of, str) else value(of)


def value(of: object) -> str:
    """A value as a reader has it: numbers without superfluous digits."""
    if not isinstance(of, Real):
        return str(of)
    number = float(of)
    return f"{number:,.0f}" if number.is_integer() and abs(number) >= 1000 else f"{number:g}"
