"""The report: sections, page, templates."""
