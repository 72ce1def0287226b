"""``python -m leadergate_operator``."""

from leadergate_operator.cli import main

if __name__ == "__main__":
    main()
