"""A search: its space, its trials in Optuna's storage."""
