"""Invented schools for the first run, the tests and the benchmarks; nothing real, nothing read."""
