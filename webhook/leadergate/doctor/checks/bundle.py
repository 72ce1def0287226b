"""Each gate's caBundle, and the label by which it is injected."""

from __future__ import annotations

from collections.abc import Iterator

from leadergate.doctor.commands import inject, plural, renew
from leadergate.doctor.finding import Finding, note, right, unknown, wrong
from leadergate.gates.manifest import INJECT
from leadergate.gates.spec import Service
from leadergate.survey.gates import Entry
from leadergate.survey.parts import Known, Unknown
from leadergate.survey.snapshot import Snapshot
from leadergate.survey.worth import Bundle, by_secret, worth
from leadergate_certs.bundle import certificates

BUNDLE, LABEL = "ca-bundle", "injection-label"


def bundle(snapshot: Snapshot) -> Iterator[Finding]:
    """Whether the API server is told to trust the authority in use."""
    for placed in snapshot.gates:
        yield _bundle(snapshot, placed.entry)
        yield from _label(snapshot, placed.entry)


def _bundle(snapshot: Snapshot, entry: Entry) -> Finding:
    about, remedy = str(entry), inject(entry, snapshot)
    ours = isinstance(snapshot.stored, Known) and snapshot.stored.value.state is not None
    count = len(certificates(entry.ca_bundle))
    match worth(snapshot, entry):
        case Bundle.EMPTY:
            return wrong(BUNDLE, about, "the caBundle is empty: no call of this gate can succeed", remedy)
        case Bundle.UNREADABLE:
            return wrong(BUNDLE, about, "the caBundle holds nothing that is a certificate", remedy)
        case Bundle.NOT_TRUSTING:
            says = "the caBundle does not trust the authority in use: every call fails"
            return wrong(BUNDLE, about, says, remedy)
        case Bundle.EXPIRED:
            anew = f"{renew(snapshot)} --ca" if ours else renew(snapshot)
            return wrong(BUNDLE, about, "what the caBundle trusts has expired: every call fails", anew)
        case Bundle.SYSTEM:
            says = "the caBundle is empty: the API server trusts the authorities of its own machine"
            return note(BUNDLE, about, says, remedy)
        case Bundle.NEXT_MISSING:
            return note(BUNDLE, about, "the caBundle lacks the next authority: the rotation waits for it", remedy)
        case Bundle.OK:
            what = "the authority in use" if ours else f"what Secret {snapshot.secret} holds"
            return right(BUNDLE, about, f"the caBundle trusts {what}")
        case Bundle.PRESENT:
            return _unjudged(snapshot, entry, f"the caBundle trusts {count}")


def _unjudged(snapshot: Snapshot, entry: Entry, says: str) -> Finding:
    """It holds certificates, and nothing to hold them against is known."""
    about = str(entry)
    if isinstance(snapshot.stored, Unknown):
        more = f"{says}; whether the one in use is among them is not known: {snapshot.stored.why}"
        return unknown(BUNDLE, about, more)
    if not by_secret(snapshot, entry):
        says = f"{says}; nothing tells that what it asks serves the certificate of Secret {snapshot.secret}"
        return note(BUNDLE, about, says, "name the Secret with --secret, or look at the line of tls")
    fault = snapshot.stored.value.fault
    return note(
        BUNDLE,
        about,
        f"{says}; Secret {snapshot.secret} holds no authority of ours: {fault}",
        "name another one with --secret",
    )


def _label(snapshot: Snapshot, entry: Entry) -> Iterator[Finding]:
    namespace = snapshot.secret.partition("/")[0]
    ours = not isinstance(snapshot.stored, Unknown) and snapshot.stored.value.state is not None
    command = f"kubectl label --overwrite {plural(entry)} {entry.configuration} {INJECT}={namespace}"
    if entry.inject == namespace:
        yield right(LABEL, str(entry), f"its label has the webhook keep the caBundle ({INJECT}={namespace})")
    elif entry.inject is not None:
        says = f"its label names namespace {entry.inject}, and the webhook's Secret is {snapshot.secret}"
        yield wrong(LABEL, str(entry), f"{says}: nobody keeps its caBundle", command)
    elif entry.inject_from is not None:
        yield right(LABEL, str(entry), f"cert-manager keeps its caBundle, from {entry.inject_from}")
    elif ours and by_secret(snapshot, entry):
        says = f"it lacks the label {INJECT}={namespace}: the next rotation will leave its caBundle behind"
        yield wrong(LABEL, str(entry), says, command)
    else:
        where = "a Service" if isinstance(entry.target, Service) else "a URL"
        yield note(LABEL, str(entry), f"it asks {where}, and is not labelled: somebody else must keep its caBundle")
