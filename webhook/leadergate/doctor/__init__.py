"""Judging a live installation: ``leadergate doctor``. Nothing that serves imports it."""
