"""Grids of cells, trained as Ray Tune trials or in this process, into a store of Parquet files."""
