"""The log is one JSON object a line, whoever writes it."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import logging
import structlog
from leadergate_operator import logs

logs.configure("pod-0")
structlog.get_logger().info("own", address="127.0.0.1:1")
logging.getLogger("some.library").warning("two\\nlines of %s", "it")
try:
    raise ValueError("broken\\nvalue")
except ValueError:
    logging.getLogger("some.library").exception("failed")
"""


def test_own_and_foreign_records_are_json_lines() -> None:
    """A library's message and error are one line each, without a stack trace."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    own, foreign, failed = (json.loads(line) for line in done.stderr.splitlines())
    assert (own["event"], own["level"], own["pod"], own["address"]) == ("own", "info", "pod-0", "127.0.0.1:1")
    assert (foreign["event"], foreign["level"], foreign["pod"]) == ("two\nlines of it", "warning", "pod-0")
    assert (failed["event"], failed["error"]) == ("failed", "ValueError: broken\nvalue")
    assert "Traceback" not in done.stderr


UNREAD = """
import os
import structlog
from leadergate_operator import logs

os.dup2(os.pipe()[1], 2)
logs.configure("pod-0")
for number in range(1_000):
    structlog.get_logger().info("said", number=number, text="x" * 200)
print("went on")
"""


def test_a_log_that_nobody_reads_does_not_stop_the_operator() -> None:
    """Renewing the Lease does not wait for a log collector. The reading end stays open, so that the pipe fills."""
    done = subprocess.run([sys.executable, "-c", UNREAD], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == "went on\n"
