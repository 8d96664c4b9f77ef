"""Summaries, tests, ranks and analysis of variance over seeds."""
