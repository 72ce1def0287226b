"""From what the command was asked to a page that is being served, and what is told on the way."""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import typer

from leadergate.audit.options import Asked
from leadergate.audit.page import serving
from leadergate.audit.page.asked import query
from leadergate.audit.page.doorkeeper import loopback
from leadergate.audit.page.live import Following, New, Wait
from leadergate.audit.page.store import Store
from leadergate.audit.page.view import View
from leadergate.audit.reading import trail
from leadergate.audit.reading.follow import Followed, follow
from leadergate.audit.reading.gather import gathered, tell
from leadergate.audit.reading.origin import Origin
from leadergate.audit.reading.sources import Kind, Source, sources
from leadergate.audit.reading.tails import growing, tail
from leadergate.audit.reading.tally import Tally
from leadergate.audit.telling.plain_text import printable
from leadergate.audit.telling.words import counted
from leadergate.gates.inputs import refuse

if TYPE_CHECKING:
    from leadergate.audit.reading.fetched import Brought


def opened(asked: Asked, address: str, port: int, *, follows: bool, browser: bool) -> int:
    """Read, serve until a signal comes, and leave nothing behind; returns the exit code."""
    found = growing(asked.files) if follows and asked.origin is None else None
    # Opened before they are read, so that nothing is missed; what is met twice is taken once.
    tails = [tail(one) for one in found or ()]
    try:
        with _listening(address, port) as listening, _read(asked, found, follows=follows) as (view, brought):
            following = Following(view, _follower(tails, asked.origin, brought), _say)
            if follows:
                following.start()
            asking = urlencode(query(asked.flt))
            page = serving.url(address, listening.getsockname()[1]) + f"?{asking}" * bool(asking)
            try:
                number = serving.serve(view, listening, address, partial(_started, page, address, browser=browser))
            finally:
                following.end()
            return 128 + number
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        for one in tails:
            one.close()


@contextmanager
def _read(asked: Asked, followed: Sequence[Source] | None, *, follows: bool) -> Iterator[tuple[View, Brought | None]]:
    """All that is there already, and what of it the cluster gave.

    Of what is ``followed`` from a pipe nothing is; None: no file is followed.
    """
    brought = None
    names = list(asked.files) if followed is None else [one.name for one in followed if one.kind is not Kind.STREAM]
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="leadergate-page-")))
        if names or followed is None:
            held = ending.enter_context(gathered(names, bad=asked.bad, strict=asked.strict, origin=asked.origin))
            store = Store(held.engine, folder)
            store.load(held)
            brought = held.brought
            tally, read = held.tally, counted(len(sources(names)[0]), "file")
            tell(tally)
        else:
            engine = trail.connect(folder / "spill")
            ending.callback(engine.close)
            store = Store(engine, folder)
            store.clear()
            tally, read = Tally(keep=asked.bad), counted(0, "file")
        names = list(asked.files)
        if brought is not None:
            names, read = [f"pod/{name}" for name in brought.pods], counted(len(brought.pods), "replica")
        _say(f"read {counted(tally.records, 'record')} of {read}")
        view = View(store, names, tally, follows=follows)
        view.leases()
        yield view, brought
        # What ends the command now must not end it halfway through tidying up.
        for number in serving.SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def _listening(address: str, port: int) -> socket:
    try:
        return serving.bound(address, port)
    except OSError as fault:
        why = f"cannot be listened on: {fault.strerror or fault}"
        remedy = "name another port, or --port 0 for any free one"
        refuse("nothing is served", [f"--address {address!r} --port {port} {why}; {remedy}"])


def _follower(tails: Sequence[Followed], origin: Origin | None, brought: Brought | None) -> Callable[[New, Wait], None]:
    """What hands on what comes in after it was read; what is met twice is taken once."""
    if origin is None or brought is None:
        return lambda new, wait: follow(tails, new, wait=wait)
    # Imported here: who follows files has no use for the way to a cluster.
    from leadergate.audit.reading.live import follow_replicas

    on = replace(origin, since=brought.last, margin=timedelta(0))
    return lambda new, wait: follow_replicas(on, new, history=brought.last is None, wait=wait, say=_say)


def _started(page: str, address: str, *, browser: bool) -> None:
    if not loopback(address):
        _say(f"warning: whoever can reach {address} may read every record; there is no password")
    typer.echo(page)
    _say("Ctrl-C ends it")
    if sys.stdout is not None:
        sys.stdout.flush()
    if browser:
        threading.Thread(target=webbrowser.open, args=(page,), daemon=True).start()


def _say(text: str) -> None:
    typer.echo(printable(text), err=True)
