"""Who may ask, and what every answer says to the browser.

The page shows names from a cluster on a port of the engineer's machine, so other sites in the same browser are the
ones to keep out: a name that is re-bound to 127.0.0.1 ("DNS rebinding") is refused by its Host header, and nothing is
shared across origins.
"""

from __future__ import annotations

import ipaddress
import socket

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Doorkeeper:
    """Lets in who asks this machine by its own name, with GET, from the page itself or from the address bar."""

    def __init__(self, app: ASGIApp, address: str) -> None:
        self._app = app
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse to."""

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                # Records are not kept by the browser, nor is anything else that does not ask for it.
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if scope["type"] != "http":
            return
        refusal = self._refusal(scope["method"], Headers(scope=scope))
        await (refusal or self._app)(scope, receive, sealed)

    def _refusal(self, method: str, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "")
        if not names_this(host, self._address):
            return PlainTextResponse(f"this page is not called {host!r}: use the URL that leadergate printed\n", 421)
        if method not in ("GET", "HEAD"):
            return PlainTextResponse("this page only shows: GET\n", 405, {"Allow": "GET, HEAD"})
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and headers.get("sec-fetch-mode") != "navigate":
            return PlainTextResponse("no other site may ask this page\n", 403)
        return None


def names_this(host: str, address: str) -> bool:
    """Whether a Host header names what was bound. A name that an attacker owns is none; the port may be a tunnel's.

    Bound to all addresses, the machine may be called by any of them, and by its own name: an attacker's page can only
    come from a name that the attacker owns.
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() and not host.endswith("]") else host
    name = name.removeprefix("[").removesuffix("]").lower()
    if name in ("localhost", "127.0.0.1", "::1", address.lower()):
        return True
    if not unspecified(address):
        return False
    return is_address(name) or name == socket.gethostname().lower()


def unspecified(address: str) -> bool:
    """Whether it stands for all addresses of the machine."""
    return is_address(address) and ipaddress.ip_address(address).is_unspecified


def loopback(address: str) -> bool:
    """Whether only this machine can reach it."""
    return address == "localhost" or (is_address(address) and ipaddress.ip_address(address).is_loopback)


def is_address(text: str) -> bool:
    """Whether it is an IP address and not a name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
