"""The page's server in this process: from a bound port to the signal that ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvicorn

from leadergate.audit.page.doorkeeper import Doorkeeper, is_address
from leadergate.audit.page.site import Site
from leadergate.audit.page.view import View

THREADS = 4
"""Queries that run at the same time."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Server(uvicorn.Server):
    """One that leaves signals to who runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take no signals."""
        yield


def bound(address: str, port: int) -> socket.socket:
    """A socket that listens there; 0 is any free port. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it each answer waits 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    listening.setblocking(False)
    return listening


def url(address: str, port: int) -> str:
    """Where a browser finds it."""
    return f"http://[{address}]:{port}/" if is_address(address) and ":" in address else f"http://{address}:{port}/"


def serve(view: View, listening: socket.socket, address: str, started: Callable[[], None]) -> int:
    """Serve until a signal comes; returns its number. Answers that are under way then are cut off."""
    return asyncio.run(_serve(view, listening, address, started))


async def _serve(view: View, listening: socket.socket, address: str, started: Callable[[], None]) -> int:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="query")
    config = uvicorn.Config(
        Doorkeeper(Site(view, pool).app(), address),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        date_header=False,
    )
    server = _Server(config)

    def end(number: int) -> None:
        if not ended.done():
            ended.set_result(number)

    for number in SIGNALS:
        loop.add_signal_handler(number, end, number)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        started()
        waited: list[asyncio.Future[Any]] = [ended, serving]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        return ended.result() if ended.done() else 0
    finally:
        server.should_exit = server.force_exit = True
        # Answers that are cut off now are no news.
        logging.getLogger("uvicorn.error").disabled = True
        view.store.interrupt()
        await asyncio.gather(serving, return_exceptions=True)
        pool.shutdown(cancel_futures=True)
