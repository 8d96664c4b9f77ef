"""Tables and figures from a study's Parquet files alone: no torch, no Ray."""
