"""The village's gatehouse: a small process that makes its network namespace, keeps it, and lets callers in.

Run as ``python -m leadergate_lab.village.gatehouse FOLDER PORTS``. It listens on so many ports of 127.0.0.1 outside,
then moves into the new namespace, and relays each to the port of the same number inside: servers there have one
address inside and out. Through the socket ``gate.sock`` in FOLDER any address can be reached: a caller writes
``HOST PORT`` and a line's end, and is connected. The first line of its output tells the ports.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from leadergate_lab.village.errors import NoVillage
from leadergate_lab.village.network import enter_new
from leadergate_lab.village.pipes import join_streams

SOCKET = "gate.sock"
_BACKLOG = 1024
_GREETING_SECONDS = 5.0


class Gatehouse:
    """Relays from listeners that were made outside to addresses inside."""

    def __init__(self, folder: Path, listeners: Sequence[socket.socket]) -> None:
        self._folder = folder
        self._listeners = listeners

    async def run(self) -> None:
        """Relay until it is ended."""
        for listener in self._listeners:
            port = int(listener.getsockname()[1])

            async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int = port) -> None:
                await join_streams(reader, writer, "127.0.0.1", port)

            await asyncio.start_server(relay, sock=listener)
        await asyncio.start_unix_server(self._admit, self._folder / SOCKET)
        ports = [listener.getsockname()[1] for listener in self._listeners]
        print(json.dumps({"ports": ports, "pid": os.getpid()}), flush=True)
        await asyncio.Event().wait()

    async def _admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_GREETING_SECONDS):
                host, port = (await reader.readline()).decode().split()
        except (TimeoutError, ValueError, OSError):
            writer.close()
            return
        await join_streams(reader, writer, host, int(port))


def main(arguments: Sequence[str]) -> int:
    """Open the listeners, enter the new namespace, and relay; 2 where there can be none."""
    folder, count = Path(arguments[0]), int(arguments[1])
    listeners = [socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) for _ in range(count)]
    try:
        enter_new()
    except NoVillage as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 2
    asyncio.run(Gatehouse(folder, listeners).run())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
