"""Operators that know nothing of leadergate, under its gate: built, run as three replicas, judged and measured."""
