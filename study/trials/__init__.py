"""One trial: a cohort trained into the store."""
