"""The ``leadergate`` command, and ``python -m leadergate``."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command line. Ctrl-C while it is being loaded ends it without a word: nothing has begun by then."""
    interactive = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interactive:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from leadergate.cli import app

    if interactive:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    app()


if __name__ == "__main__":
    main()
