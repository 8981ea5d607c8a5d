"""Benchmarks: each starts real processes, measures side by side in one run, and prints ratios."""
