"""Matrix products in each precision, and what the process that computes them should do with threads and memory."""
