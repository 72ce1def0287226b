"""Benchmarks: the gate beside a bare handler, in one run and in turns, so that only ratios are quoted."""
