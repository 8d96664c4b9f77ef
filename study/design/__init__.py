"""What a study trains: grids, search spaces, cohorts."""
