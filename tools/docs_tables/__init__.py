"""The tables of README.md and docs/, made of what ships: `python -m tools.docs_tables`, or `make docs-tables`."""
