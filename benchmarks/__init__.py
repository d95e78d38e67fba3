"""Benchmarks: each prints a table and compares in one run; none is a test."""
