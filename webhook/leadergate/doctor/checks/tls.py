"""TLS as the API server would see it: what is served, judged by each gate's caBundle and name."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography import x509

from leadergate.doctor.commands import inject, renew
from leadergate.doctor.finding import INSTALLATION, Finding, note, right, unknown, wrong
from leadergate.doctor.reached import of
from leadergate.doctor.trust import ends_soon
from leadergate.gates.spec import Service
from leadergate.survey.gates import Entry
from leadergate.survey.parts import Unknown
from leadergate.survey.snapshot import Snapshot
from leadergate.survey.trust import Refused, refusal
from leadergate.survey.worth import host, stored_pair
from leadergate_certs.bundle import certificates
from leadergate_certs.duration import in_words

TLS, EXPIRY = "tls", "certificate-expiry"


def tls(snapshot: Snapshot) -> Iterator[Finding]:
    """For each gate and each address; what a bundle lacks by itself is told by its own check."""
    for placed in snapshot.gates:
        if certificates(placed.entry.ca_bundle):
            yield from _gate(snapshot, placed.entry)
    yield from _expiry(snapshot)


def _gate(snapshot: Snapshot, entry: Entry) -> Iterator[Finding]:
    endpoints = () if isinstance(snapshot.endpoints, Unknown) else snapshot.endpoints.value
    shown = [(one, one.serves) for one in of(snapshot, entry, endpoints) if one.serves is not None]
    silent = [one for one in of(snapshot, entry, endpoints) if one.serves is None and one.ready]
    for one, leaf in shown:
        said = _said(snapshot, entry, leaf, f"what {one} serves")
        yield said or right(TLS, str(entry), f"{one} serves what the caBundle trusts, for {host(entry)}")
    if not shown:
        yield _by_secret(snapshot, entry)
    elif silent:
        says = f"{', '.join(map(str, silent))} showed no certificate, though others did"
        yield wrong(TLS, str(entry), says, f"kubectl -n {snapshot.service.namespace} get pods -o wide")


def _by_secret(snapshot: Snapshot, entry: Entry) -> Finding:
    """Judge the Secret's leaf where no served one was seen, and say so."""
    about = str(entry)
    if isinstance(snapshot.stored, Unknown):
        why = f"no address was reached from here, and Secret {snapshot.secret} not be read: {snapshot.stored.why}"
        return unknown(TLS, about, why, "run this inside the cluster, with kubectl exec")
    held = stored_pair(snapshot)
    if not held:
        why = f"no address was reached from here, and Secret {snapshot.secret} holds no certificate"
        return unknown(TLS, about, f"{why}: {snapshot.stored.value.fault}", "run this inside the cluster")
    what = f"the leaf in Secret {snapshot.secret} (no address was reached from here)"
    said = _said(snapshot, entry, held[0], what)
    return said or right(
        TLS, about, f"the leaf in Secret {snapshot.secret} is trusted, for {host(entry)}; no address was reached"
    )


def _said(snapshot: Snapshot, entry: Entry, leaf: x509.Certificate, what: str) -> Finding | None:
    held = stored_pair(snapshot)
    between = held[1:] if held[:1] == [leaf] else ()
    refused = refusal(leaf, certificates(entry.ca_bundle), host(entry), snapshot.now, between)
    if refused is None:
        return None
    if not refused.sure:
        return unknown(TLS, str(entry), f"{what} {refused.why}", "openssl s_client -showcerts shows what is served")
    return wrong(TLS, str(entry), f"{what} {refused.why}", _remedy(snapshot, entry, refused))


def _remedy(snapshot: Snapshot, entry: Entry, refused: Refused) -> str:
    if refused.cause == "chain":
        return inject(entry, snapshot)
    if refused.cause == "names":
        flag = (
            f"--certs-service={entry.target.name}"
            if isinstance(entry.target, Service)
            else f"--certs-names={host(entry)}"
        )
        return f"start leadergate serve with {flag}"
    return renew(snapshot)


def _expiry(snapshot: Snapshot) -> Iterator[Finding]:
    """Once for the installation: every leaf that was seen, and the authority in use."""
    seen: dict[x509.Certificate, tuple[str, str]] = {}
    endpoints = () if isinstance(snapshot.endpoints, Unknown) else snapshot.endpoints.value
    remedy = renew(snapshot)
    for one in endpoints:
        if one.serves is not None:
            seen.setdefault(one.serves, (f"the leaf that {one} serves", remedy))
    for leaf in stored_pair(snapshot)[:1]:
        seen.setdefault(leaf, (f"the leaf in Secret {snapshot.secret}", remedy))
    if not isinstance(snapshot.stored, Unknown) and (state := snapshot.stored.value.state) is not None:
        seen.setdefault(state.issuer.certificate, ("the authority in use", f"{remedy} --ca"))
    late = [(what, ends, one) for one, what in seen.items() if (ends := ends_soon(one, snapshot.now)) is not None]
    for (what, mend), ends, leaf in late:
        end = f"{leaf.not_valid_after_utc:%F %T} UTC"
        if ends.total_seconds() < 0:
            yield wrong(EXPIRY, INSTALLATION, f"{what} expired at {end}", mend)
        else:
            says = f"{what} ends in {in_words(ends)}, at {end}, and should have been renewed"
            yield note(EXPIRY, INSTALLATION, says, mend)
    if not seen:
        why = snapshot.stored.why if isinstance(snapshot.stored, Unknown) else snapshot.stored.value.fault
        says = f"no certificate could be looked at, and none in Secret {snapshot.secret}: {why}"
        yield unknown(EXPIRY, INSTALLATION, says, "name the Secret of the webhook with --secret")
    elif not late:
        first = min(one.not_valid_after_utc for one in seen)
        yield right(EXPIRY, INSTALLATION, f"the first certificate to end does so at {first:%F %T} UTC")
