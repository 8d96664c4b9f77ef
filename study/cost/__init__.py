"""How long a study takes, and how many runs to train together."""
