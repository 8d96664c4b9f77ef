"""Training a cohort: the trainer, its steps, optimizers, checkpoints."""
