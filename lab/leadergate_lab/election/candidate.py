"""A process that stands for election on some Leases, and writes down when it leads: ``python -m`` this module.

It finds its credentials as in a Pod: the API server in the environment, token and authority in a folder. SIGTERM ends
it gracefully.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import structlog

from leadergate_election.connection import ApiConnection
from leadergate_election.credentials import CredentialsSource
from leadergate_election.elector import Callbacks, Elector
from leadergate_election.settings import ElectionSettings
from leadergate_lab.election.ledger import CarelessLeadership, Ledger, WrittenLeadership, watching


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--identity", required=True)
    parser.add_argument("--lease", action="append", required=True, help="may be given again")
    parser.add_argument("--service-account", type=Path, required=True, help="folder with token and ca.crt")
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--lease-duration", type=float, default=15.0)
    parser.add_argument("--renew-deadline", type=float, default=10.0)
    parser.add_argument("--retry-period", type=float, default=2.0)
    parser.add_argument("--careless", action="store_true", help="lead on after the renew deadline, which is a fault")
    return parser


async def _take_part(options: argparse.Namespace) -> None:
    source = CredentialsSource(None, None, options.service_account)
    access = await asyncio.to_thread(source.load)
    log = structlog.get_logger()
    connection = ApiConnection(
        source,
        access,
        user_agent=f"leadergate-candidate/{options.identity}",
        on_reload_fault=lambda fault: log.warning("credentials_kept", message=fault),
    )
    ledger = Ledger(options.ledger, f"{options.identity}#{os.getpid()}")
    kind = CarelessLeadership if options.careless else WrittenLeadership
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    electors = []
    for name in options.lease:
        settings = ElectionSettings(
            options.namespace,
            options.identity,
            name,
            lease_duration=options.lease_duration,
            renew_deadline=options.renew_deadline,
            retry_period=options.retry_period,
        )
        told = partial(_note_leader, ledger, name)
        elector = Elector(connection, settings, Callbacks(_work, on_new_leader=told), leadership=kind(ledger, name))
        watching(ledger, name, lambda elector=elector: elector.is_leader)  # type: ignore[misc]
        electors.append(elector)
    ledger.write(stands=True)
    try:
        await asyncio.gather(*(_run(elector, stop, alone=len(electors) == 1) for elector in electors))
    finally:
        await connection.close()


async def _run(elector: Elector, stop: asyncio.Event, *, alone: bool) -> None:
    """Several electors begin one after another, so that they do not go on in step."""
    if not alone:
        await asyncio.sleep(random.random() * elector.settings.retry_period)  # noqa: S311 - no secret
    await elector.run(stop)


def _note_leader(ledger: Ledger, lease: str, leader: str) -> None:
    ledger.write(lease=lease, leader=leader)


async def _work() -> None:
    """A leader's work that takes a moment to come to its end."""
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.05)


def main(arguments: Sequence[str]) -> None:
    """Take part until SIGTERM."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_take_part(_parser().parse_args(arguments)))


if __name__ == "__main__":
    main(sys.argv[1:])
