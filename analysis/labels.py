"""What tables and figures call the values of the columns."""

NEURONS = {"deterministic": "DBN", "stochastic": "SBN", "real": "real-valued"}
OBJECTIVES = {"wgan-gp": "WGAN-GP", "wgan": "WGAN", "gan": "GAN"}
NORMS = {"none": "no BN in D", "batch": "BN in D", "affine": "affine in D", "layer": "layer norm in D"}
COLUMNS = {
    "objective": "objective",
    "architecture": "architecture",
    "discriminator_norm": "norm in D",
    "neuron": "neuron",
    "members": "members",
    "done": "done",
    "discriminator_loss": "D loss",
    "generator_loss": "G loss",
    "ink": "ink",
    "isolated_pixel_rate": "isolated pixels",
    "preactivated_middle_mass": "mass in [0.3, 0.7]",
    "seconds": "seconds",
}
