"""Reading a study."""
