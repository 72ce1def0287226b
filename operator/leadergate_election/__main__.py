"""``python -m leadergate_election``."""

from leadergate_election.cli import main

main()
