"""Which addresses a gate's calls go to."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from leadergate.survey.gates import Entry
from leadergate.survey.parts import SeenEndpoint
from leadergate.survey.snapshot import Snapshot


def by_service(snapshot: Snapshot, endpoints: Sequence[SeenEndpoint]) -> list[SeenEndpoint]:
    """Those that stand behind the Service: all but those that are there by a gate's URL alone."""
    urls = {_place(one.entry.target) for one in snapshot.gates if isinstance(one.entry.target, str)}
    return [one for one in endpoints if one.pod is not None or (one.host, one.port) not in urls]


def asked_at(entry: Entry, endpoints: Sequence[SeenEndpoint]) -> list[SeenEndpoint]:
    """Those at the entry's URL."""
    if not isinstance(entry.target, str):
        return []
    place = _place(entry.target)
    return [one for one in endpoints if (one.host, one.port) == place]


def of(snapshot: Snapshot, entry: Entry, endpoints: Sequence[SeenEndpoint]) -> list[SeenEndpoint]:
    """Those that the entry's calls go to; none for a Service that was not looked at."""
    if isinstance(entry.target, str):
        return asked_at(entry, endpoints)
    ours = (snapshot.service.namespace, snapshot.service.name) == (entry.target.namespace, entry.target.name)
    return by_service(snapshot, endpoints) if ours else []


def _place(url: str) -> tuple[str, int]:
    split = urlsplit(url)
    return split.hostname or "", split.port or 443
