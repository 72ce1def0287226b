"""From what the command was asked to a page that is being served, and what is told on the way."""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from socket import socket
from urllib.parse import urlencode

import typer

from leadergate.audit.options import Asked
from leadergate.audit.page import serving
from leadergate.audit.page.asked import query
from leadergate.audit.page.doorkeeper import loopback
from leadergate.audit.page.live import Following
from leadergate.audit.page.store import Store
from leadergate.audit.page.view import View
from leadergate.audit.reading import trail
from leadergate.audit.reading.follow import Followed, follow
from leadergate.audit.reading.gather import gathered, tell
from leadergate.audit.reading.sources import Kind, Source, sources
from leadergate.audit.reading.tally import Tally
from leadergate.audit.telling.plain_text import printable
from leadergate.gates.inputs import refuse


def opened(asked: Asked, address: str, port: int, *, follows: bool, browser: bool) -> int:
    """Read, serve until a signal comes, and leave nothing behind; returns the exit code."""
    found = _growing(asked.files) if follows else None
    # Opened before they are read, so that nothing is missed; what is met twice is taken once.
    tails = [_tail(one) for one in found or ()]
    try:
        with _listening(address, port) as listening, _read(asked, found) as view:
            following = Following(view, lambda new, wait: follow(tails, new, wait=wait), _say)
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
        for tail in tails:
            tail.close()


@contextmanager
def _read(asked: Asked, followed: Sequence[Source] | None) -> Iterator[View]:
    """All that is there already. Of what is ``followed`` from a pipe nothing is; None: nothing is followed."""
    names = list(asked.files) if followed is None else [one.name for one in followed if one.kind is not Kind.STREAM]
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="leadergate-page-")))
        if names or followed is None:
            held = ending.enter_context(gathered(names, bad=asked.bad, strict=asked.strict))
            store = Store(held.engine, folder)
            store.load(held)
            tally, files = held.tally, len(sources(names)[0])
            tell(tally)
        else:
            engine = trail.connect(folder / "spill")
            ending.callback(engine.close)
            store = Store(engine, folder)
            store.clear()
            tally, files = Tally(keep=asked.bad), 0
        _say(f"read {tally.records:,} record{'s' * (tally.records != 1)} of {files} file{'s' * (files != 1)}")
        view = View(store, asked.files, tally, follows=followed is not None)
        view.leases()
        yield view
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


def _growing(names: tuple[str, ...]) -> list[Source]:
    """What is to be followed."""
    found, faults = sources(names)
    told = [str(fault) for fault in faults]
    told += [f"FILE {one.name!r} does not grow; leave it out, or --follow" for one in found if _finished(one)]
    if told:
        refuse("nothing can be followed", told)
    return found


def _tail(source: Source) -> Followed:
    if source.kind is Kind.STREAM and source.name == "standard input":
        return Followed.pipe(source.name, sys.stdin.fileno())
    tail = Followed.file(source.name, source.path)
    tail.skip_to_end()
    return tail


def _finished(source: Source) -> bool:
    return source.kind is Kind.PARQUET or source.name.endswith(".gz")


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
