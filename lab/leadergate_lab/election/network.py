"""The way from candidates to the API server: TCP relays on loopback that can be slow, or let nothing through."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

CHUNK = 65536
START_SECONDS = 10.0

_Made = TypeVar("_Made")


class Wire:
    """One relay. ``delay`` is the seconds that bytes take in each direction; while it is cut, they wait."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.delay = 0.0
        self.port = 0
        self._target = target
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def listen(self) -> None:
        """Begin to relay, from a free port."""
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def switch(self, passing: bool) -> None:
        """Let bytes pass, or wait. On the relay's loop."""
        if passing:
            self._open.set()
        else:
            self._open.clear()

    async def close(self) -> None:
        """Break all connections."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Connections are let go a turn of the loop after they are closed.
        await asyncio.sleep(0)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._connect(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError):
                await self._open.wait()
                far_reader, far_writer = await asyncio.open_connection(*self._target)
                try:
                    await _first(self._pipe(reader, far_writer), self._pipe(far_reader, writer))
                finally:
                    far_writer.close()
        finally:
            writer.close()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass bytes on, each so much later than it came; bytes on the way do not hold up those behind them."""
        way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        async def take() -> None:
            while chunk := await reader.read(CHUNK):
                way.put_nowait((loop.time() + self.delay, chunk))
            way.put_nowait((loop.time() + self.delay, b""))

        async def give() -> None:
            while True:
                due, chunk = await way.get()
                await asyncio.sleep(due - loop.time())
                await self._open.wait()
                if not chunk:
                    return
                writer.write(chunk)
                await writer.drain()

        taking = asyncio.create_task(take())
        try:
            await give()
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)


class Network:
    """Wires on a thread of their own. A context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._wires: list[Wire] = []

    def __enter__(self) -> Network:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for wire in self._wires:
            self._do(wire.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wire(self, host: str, port: int) -> Wire:
        """A new relay to that address."""

        async def make() -> Wire:
            wire = Wire((host, port))
            await wire.listen()
            return wire

        wire = self._do(make())
        self._wires.append(wire)
        return wire

    def cut(self, wire: Wire) -> None:
        """Let nothing pass; connections stay, and what is sent waits."""
        self._loop.call_soon_threadsafe(wire.switch, False)

    def mend(self, wire: Wire) -> None:
        """Let all pass again, and at once."""
        wire.delay = 0.0
        self._loop.call_soon_threadsafe(wire.switch, True)

    def _do(self, work: Coroutine[Any, Any, _Made]) -> _Made:
        done: Future[_Made] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return done.result(START_SECONDS)


async def _first(*works: Coroutine[Any, Any, None]) -> None:
    """Run until one has ended, and end the others. Raises what that one raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
