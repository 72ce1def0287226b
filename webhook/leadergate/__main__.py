"""``python -m leadergate``."""

from leadergate.cli import main

main()
