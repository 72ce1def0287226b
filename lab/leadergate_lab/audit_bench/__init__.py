"""Benchmark of the review: its commands against ``jq`` on the same records, in one run and in turns."""
