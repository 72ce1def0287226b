"""Which addresses a gate's calls go to, and by which name the API server knows them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from urllib.parse import urlsplit

from cryptography import x509

from leadergate.gates.spec import Service
from leadergate.survey.gates import Entry
from leadergate.survey.parts import SeenEndpoint, Unknown
from leadergate.survey.snapshot import Snapshot
from leadergate_certs.bundle import certificates


def host(entry: Entry) -> str:
    """The name that the served certificate must bear: apiserver asks a Service as ``{service}.{namespace}.svc``."""
    if isinstance(entry.target, Service):
        return f"{entry.target.name}.{entry.target.namespace}.svc"
    return urlsplit(entry.target).hostname or ""


def by_service(snapshot: Snapshot, endpoints: Sequence[SeenEndpoint]) -> list[SeenEndpoint]:
    """Those that stand behind the Service: all but those that are there by a gate's URL alone."""
    urls = {_place(one.entry.target) for one in snapshot.gates if isinstance(one.entry.target, str)}
    return [one for one in endpoints if one.pod is not None or (one.host, one.port) not in urls]


def asked_at(entry: Entry, endpoints: Sequence[SeenEndpoint]) -> list[SeenEndpoint]:
    """Those at the entry's URL."""
    if isinstance(entry.target, Service):
        return []
    place = _place(entry.target)
    return [one for one in endpoints if (one.host, one.port) == place]


def of(snapshot: Snapshot, entry: Entry, endpoints: Sequence[SeenEndpoint]) -> list[SeenEndpoint]:
    """Those that the entry's calls go to; none for a Service that was not looked at."""
    if isinstance(entry.target, str):
        return asked_at(entry, endpoints)
    ours = (snapshot.service.namespace, snapshot.service.name) == (entry.target.namespace, entry.target.name)
    return by_service(snapshot, endpoints) if ours else []


def stored_pair(snapshot: Snapshot) -> list[x509.Certificate]:
    """The leaf that the Secret holds, and what is served with it; none when it holds none, or could not be read.

    A Secret that is not ours, such as cert-manager's, has them in ``tls.crt`` as well.
    """
    if isinstance(snapshot.stored, Unknown):
        return []
    stored = snapshot.stored.value
    if stored.state is not None:
        return [stored.state.pair.certificate]
    try:
        return certificates(base64.b64decode(((stored.manifest or {}).get("data") or {}).get("tls.crt") or ""))
    except binascii.Error:
        return []


def _place(url: str) -> tuple[str, int]:
    split = urlsplit(url)
    return split.hostname or "", split.port or 443
