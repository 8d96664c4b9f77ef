"""What `study/run.py` does for --grid, --search and --retrain."""
