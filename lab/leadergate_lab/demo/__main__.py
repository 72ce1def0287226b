"""``python -m leadergate_lab.demo``."""

import sys

from leadergate_lab.demo.cli import main

if __name__ == "__main__":
    sys.exit(main())
