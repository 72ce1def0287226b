"""What is where: Secret, configurations and endpoints side by side, and what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509

from leadergate_certs.bundle import certificates
from leadergate_certs.cluster import Configuration, Stored
from leadergate_certs.duration import in_words
from leadergate_certs.issue import BACKDATE
from leadergate_certs.rotation import Endpoint
from leadergate_certs.state import State, fingerprint, issued_at, names_of

SHOWN = 16
"""Characters of a fingerprint that are shown: enough to tell certificates apart."""

_OVERDUE = 0.8


@dataclass(frozen=True)
class Line:
    """One certificate, bundle or address: what it is, how it is, and what is wrong with it, if anything."""

    what: str
    shows: str
    state: str
    wrong: str = ""


@dataclass(frozen=True)
class Report:
    """All lines by place; ``notes`` are no faults."""

    secret: tuple[Line, ...]
    configurations: tuple[Line, ...]
    endpoints: tuple[Line, ...]
    notes: tuple[str, ...]

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong, one sentence each."""
        lines = (*self.secret, *self.configurations, *self.endpoints)
        return tuple(f"{line.what}: {line.wrong}" for line in lines if line.wrong)

    def as_json(self) -> dict[str, object]:
        """The report as plain values."""
        return {**asdict(self), "faults": list(self.faults)}


def report(
    stored: Stored, configurations: Sequence[Configuration], endpoints: Sequence[Endpoint], now: datetime
) -> Report:
    """Hold the three places against each other."""
    state = stored.state
    reach = any(one.serves is not None for one in endpoints)
    bundles = [_bundle(one, name, bundle, state) for one in configurations for name, bundle in one.bundles.items()]
    notes = [] if configurations else ["no webhook configuration carries the label: nobody is told to trust anything"]
    if not endpoints:
        notes.append("no endpoint is known: what replicas serve was not looked at")
    notes += [f"{one.address} was not reached from here" for one in endpoints if one.serves is None and not reach]
    if state is not None and state.requested is not None:
        notes.append(f"a renewal was asked for and has not begun: {state.requested}")
    return Report(
        tuple(_secret(stored, now)),
        tuple(bundles),
        tuple(_endpoint(one, state, now, reach=reach) for one in endpoints),
        tuple(notes),
    )


def _secret(stored: Stored, now: datetime) -> Iterator[Line]:
    state = stored.state
    if state is None:
        yield Line("secret", "", "cannot be used", f"{stored.fault}; is leadergate serve running with --certs-secret?")
        return
    yield Line("phase", "", state.phase)
    for authority in state.authorities:
        since = f"trusted since {authority.trusted_since:%F %T}" if authority.trusted_since else "not trusted yet"
        yield _dated("authority", authority.certificate, since, now)
    leaf = state.pair.certificate
    issuer = fingerprint(state.issuer.certificate)[:SHOWN]
    yield _dated("leaf", leaf, f"of {issuer}, for {', '.join(names_of(leaf).all)}", now)


def _dated(what: str, certificate: x509.Certificate, more: str, now: datetime) -> Line:
    end = certificate.not_valid_after_utc
    return Line(what, fingerprint(certificate)[:SHOWN], f"{_left(end, now)}; {more}", _age(certificate, now))


def _age(certificate: x509.Certificate, now: datetime) -> str:
    end = certificate.not_valid_after_utc
    if end < now:
        return f"expired at {end:%F %T} UTC"
    if certificate.not_valid_before_utc > now + BACKDATE:
        return f"is not valid before {certificate.not_valid_before_utc:%F %T} UTC"
    if now > issued_at(certificate) + (end - issued_at(certificate)) * _OVERDUE:
        return "should have been renewed: is leadergate serve running, and may it write the Secret?"
    return ""


def _bundle(one: Configuration, name: str, bundle: bytes, state: State | None) -> Line:
    found = certificates(bundle)
    shows = " ".join(fingerprint(certificate)[:SHOWN] for certificate in found) or "empty"
    what = f"{one} {name}"
    if state is None:
        return Line(what, shows, f"{len(found)} trusted")
    missing = [authority for authority in state.authorities if authority.certificate not in found]
    if not missing:
        more = len(found) - len(state.authorities)
        return Line(what, shows, "trusts ours" + (f", and {more} of others" if more else ""))
    if state.issuer in missing:
        return Line(what, shows, "broken", "does not trust the authority in use: calls of this webhook fail")
    return Line(what, shows, "behind", "lacks the next authority: the rotation waits for it")


def _endpoint(one: Endpoint, state: State | None, now: datetime, *, reach: bool) -> Line:
    """One address; ``reach`` tells that another one has answered, so that silence is its own."""
    what = f"{one.address}{'' if one.ready else ' (not ready)'}"
    if one.serves is None:
        silent = "is ready and does not answer: a rotation of the authority waits for it" if reach and one.ready else ""
        return Line(what, "", "no answer", silent)
    shows, end = fingerprint(one.serves)[:SHOWN], one.serves.not_valid_after_utc
    if end < now:
        return Line(what, shows, "expired", f"serves a certificate that expired at {end:%F %T} UTC")
    if state is None:
        return Line(what, shows, _left(end, now))
    if one.serves == state.pair.certificate:
        return Line(what, shows, f"serves the Secret's leaf; {_left(end, now)}")
    if any(authority.issued(one.serves) for authority in state.authorities):
        return Line(what, shows, f"serves another leaf that is trusted; {_left(end, now)}")
    return Line(what, shows, "foreign", "serves a certificate of none of the authorities in the Secret")


def _left(end: datetime, now: datetime) -> str:
    left: timedelta = end - now
    return f"until {end.astimezone(UTC):%F %T} UTC, {in_words(left)} left"
