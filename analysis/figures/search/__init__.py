"""A search's figures."""
