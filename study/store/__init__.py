"""A study's results folder: its tables, its lock, which runs are finished."""
