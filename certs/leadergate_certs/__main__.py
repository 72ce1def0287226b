"""`python -m leadergate_certs`."""

from leadergate_certs.cli import main

main()
