"""A search's trials and which of its parameters matter."""
