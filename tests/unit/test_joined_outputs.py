"""Records and the program's own log in one file, as ``leadergate serve > log 2>&1`` has it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TURNS = 20

PROGRAM = f"""
import asyncio, sys
import structlog
from leadergate.records import DescriptorSink
from leadergate_election.logs import set_up

async def write():
    set_up("info")
    sink = DescriptorSink(sys.stdout.fileno())
    for number in range({TURNS}):
        structlog.get_logger().info("said", number=number)
        await sink.write(b'{{"record":%d}}\\n' % number, asyncio.get_running_loop().time() + 20)

asyncio.run(write())
"""


def test_the_log_never_writes_over_a_record(tmp_path: Path) -> None:
    """Though the shell opened the file without appending, so that each descriptor has a position of its own."""
    path = tmp_path / "log"
    with path.open("wb") as file:
        subprocess.run([sys.executable, "-c", PROGRAM], stdout=file, stderr=subprocess.STDOUT, check=True)
    lines = path.read_text().splitlines()
    assert len(lines) == 2 * TURNS
    assert [line for line in lines if line.startswith('{"record"')] == [f'{{"record":{n}}}' for n in range(TURNS)]
