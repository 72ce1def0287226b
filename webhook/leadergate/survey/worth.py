"""What a gate's caBundle is worth: one judgement for all who look at a cluster."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from cryptography import x509

from leadergate.gates.spec import Service
from leadergate.survey.gates import Entry
from leadergate.survey.parts import Known, Unknown
from leadergate.survey.snapshot import Snapshot
from leadergate.survey.trust import refusal
from leadergate_certs.bundle import certificates


class Bundle(StrEnum):
    """What a caBundle is worth. ``present``: it holds certificates, and what is served is not known."""

    OK = "ok"
    NEXT_MISSING = "lacks next"
    PRESENT = "present"
    SYSTEM = "system's"
    EMPTY = "empty"
    UNREADABLE = "unreadable"
    NOT_TRUSTING = "not trusting"
    EXPIRED = "expired"


def worth(snapshot: Snapshot, entry: Entry) -> Bundle:
    """Held against the authority that issued what is served, if the Secret says which; else by itself."""
    found = certificates(entry.ca_bundle)
    if not found:
        if entry.ca_bundle.strip():
            return Bundle.UNREADABLE
        # The API server takes its machine's authorities then, which no Service's certificate comes from.
        return Bundle.SYSTEM if isinstance(entry.target, str) and entry.inject is None else Bundle.EMPTY
    if not isinstance(snapshot.stored, Known) or not by_secret(snapshot, entry):
        return _alone(found, snapshot.now)
    state, held = snapshot.stored.value.state, stored_pair(snapshot)
    if state is None:
        trusted = held and refusal(held[0], found, host(entry), snapshot.now, held[1:]) is None
        return Bundle.OK if trusted else _alone(found, snapshot.now)
    if state.issuer.certificate not in found:
        return Bundle.NOT_TRUSTING
    if state.issuer.certificate.not_valid_after_utc < snapshot.now:
        return Bundle.EXPIRED
    return Bundle.OK if all(one.certificate in found for one in state.authorities) else Bundle.NEXT_MISSING


def by_secret(snapshot: Snapshot, entry: Entry) -> bool:
    """Whether what the entry calls serves the Secret's certificate, as far as its configuration tells.

    A URL alone does not tell; that the Secret's authority is trusted there does.
    """
    if isinstance(entry.target, Service) and entry.target[:2] == snapshot.service[:2]:
        return True
    if snapshot.secret.partition("/")[0] in (entry.inject, (entry.inject_from or "").partition("/")[0]):
        return True
    state = snapshot.stored.value.state if isinstance(snapshot.stored, Known) else None
    return state is not None and state.issuer.certificate in certificates(entry.ca_bundle)


def host(entry: Entry) -> str:
    """The name that the served certificate must bear: apiserver asks a Service as ``{service}.{namespace}.svc``."""
    if isinstance(entry.target, Service):
        return f"{entry.target.name}.{entry.target.namespace}.svc"
    return urlsplit(entry.target).hostname or ""


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


def by_others(snapshot: Snapshot) -> bool:
    """Whether the Secret is there, and holds a certificate that we did not make."""
    return bool(stored_pair(snapshot)) and isinstance(snapshot.stored, Known) and snapshot.stored.value.state is None


def _alone(found: list[x509.Certificate], now: datetime) -> Bundle:
    return Bundle.PRESENT if any(one.not_valid_after_utc >= now for one in found) else Bundle.EXPIRED
