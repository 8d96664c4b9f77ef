"""Dense networks whose values stay in bfloat16 between products, on a CPU: kernels of our own, memory used again."""
