"""A study's results folder: what is written, how it is locked, what is finished."""
