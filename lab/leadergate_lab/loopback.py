"""Plain GETs to servers on this machine, past any proxy that the environment names."""

from __future__ import annotations

import ssl
import urllib.request
from http.client import HTTPException
from urllib.error import HTTPError

PAST_PROXIES = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
"""What tells most programs to do the same."""


def get(url: str, *, tls: ssl.SSLContext | None = None, timeout: float = 5.0) -> tuple[int, bytes]:
    """Status and body of the answer, whatever its status. Raises OSError when there is none."""
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if tls is not None:
        handlers.append(urllib.request.HTTPSHandler(context=tls))
    try:
        with urllib.request.build_opener(*handlers).open(url, timeout=timeout) as answer:
            return int(answer.status), bytes(answer.read())
    except HTTPError as error:
        with error:
            return error.code, error.read()
    except HTTPException as error:
        raise OSError(f"no HTTP answer from {url}: {error!r}") from error


def answers(url: str, *, tls: ssl.SSLContext | None = None, timeout: float = 2.0) -> bool:
    """Whether a GET is answered with 200."""
    try:
        return get(url, tls=tls, timeout=timeout)[0] == 200
    except OSError:
        return False
