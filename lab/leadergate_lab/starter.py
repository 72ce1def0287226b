"""Starts processes from one thread that lives as long as the interpreter.

The kernel sends a child's parent-death signal when the *thread* that forked it ends. So a process that was started
from a short-lived thread would die with that thread.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from queue import SimpleQueue


def in_lasting_thread(work: Callable[[], None]) -> None:
    """Run ``work`` in that thread and wait for its end. Raises what ``work`` raises."""
    done: Future[None] = Future()
    _queue(os.getpid()).put((work, done))
    done.result()


@cache
def _queue(_pid: int) -> SimpleQueue[tuple[Callable[[], None], Future[None]]]:
    # A thread does not survive a fork, so each process has one of its own.
    queue: SimpleQueue[tuple[Callable[[], None], Future[None]]] = SimpleQueue()

    def serve() -> None:
        while True:
            work, done = queue.get()
            try:
                work()
            except BaseException as error:
                done.set_exception(error)
            else:
                done.set_result(None)

    threading.Thread(target=serve, name="starter", daemon=True).start()
    return queue
