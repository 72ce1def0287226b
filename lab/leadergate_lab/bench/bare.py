"""The measure: uvicorn with TLS and a handler that takes the body in and answers a constant, as a process.

With ``--lease`` it waits for a linearizable read of that Lease first, shared as the gate's reads are: the most that any
gate could reach which promises what ours does.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from leadergate.kube import ApiServer
from leadergate.leases import CoalescingReader, ReadLimits
from leadergate.model import LeaseKey
from leadergate_election.connection import ApiConnection
from leadergate_election.credentials import CredentialsSource

_ANSWER = (
    b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview",'
    b'"response":{"uid":"00000000-0000-0000-0000-000000000000","allowed":true}}'
)
_PATIENCE = 9.0
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_ANSWER))]


async def handler(scope: Scope, receive: Receive, send: Send) -> None:
    """Take the body in, as keep-alive demands, and answer."""
    more = scope["type"] == "http"
    while more:
        more = (await receive()).get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _ANSWER})


class Reading:
    """The handler behind a Lease read. It connects with its first request: then there is a loop to do it in."""

    def __init__(self, lease: str, service_account: Path) -> None:
        namespace, _, name = lease.partition("/")
        self._key = LeaseKey(namespace, name)
        self._source = CredentialsSource(None, None, service_account)
        self._reader: CoalescingReader | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, then answer."""
        if self._reader is None:
            connection = ApiConnection(self._source, self._source.load(), user_agent="bare", on_reload_fault=print)
            self._reader = CoalescingReader(ApiServer(connection), _Nobody(), ReadLimits())
        await self._reader.read(self._key, asyncio.get_running_loop().time() + _PATIENCE)
        await handler(scope, receive, send)


class _Nobody:
    """Counts nothing."""

    def lease_read(self, key: LeaseKey, outcome: str, seconds: float, requests: int) -> None:
        """Leave it."""

    def takeovers_seen(self, key: LeaseKey, count: int) -> None:
        """Leave it."""

    def lease_never_expires(self, key: LeaseKey, duration: int | None) -> None:
        """Leave it."""


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lease", help="NAMESPACE/NAME of a Lease to be read before each answer")
    parser.add_argument("--service-account", type=Path, help="folder with the token and CA for that")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    given = parser.parse_args()
    app: ASGIApp = Reading(given.lease, given.service_account) if given.lease else handler
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=given.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        date_header=False,
        timeout_keep_alive=120,
        ssl_certfile=given.certificate,
        ssl_keyfile=given.key,
    )


if __name__ == "__main__":
    main()
