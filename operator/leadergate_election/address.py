"""Addresses to listen on, as flags give them."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port to listen on; port 0 is any free one."""

    host: str
    port: int


def parse_address(value: str) -> Address:
    """``host:port``, with an IPv6 host in brackets.

    Raises:
        ValueError: it is not of that form; the message says what is wrong.
    """
    match = re.fullmatch(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\s]+)):(?P<port>\d{1,5})", value)
    if match is None or int(match["port"]) > 65535:
        raise ValueError("expected host:port with a port of 0 to 65535, as in 0.0.0.0:8080 or [::]:8080")
    return Address(match["v6"] or match["host"], int(match["port"]))
