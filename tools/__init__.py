"""What rebuilds the packaged data."""
