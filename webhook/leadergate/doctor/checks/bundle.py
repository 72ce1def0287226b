"""Each gate's caBundle, and the label by which it is injected."""

from __future__ import annotations

from collections.abc import Iterator

from leadergate.doctor.commands import inject, plural
from leadergate.doctor.finding import Finding, note, right, unknown, wrong
from leadergate.doctor.reached import host, stored_pair
from leadergate.doctor.trust import refusal
from leadergate.gates.manifest import INJECT
from leadergate.gates.spec import Service
from leadergate.survey.gates import Entry
from leadergate.survey.parts import Unknown
from leadergate.survey.snapshot import Snapshot
from leadergate_certs.bundle import certificates

BUNDLE, LABEL = "ca-bundle", "injection-label"


def bundle(snapshot: Snapshot) -> Iterator[Finding]:
    """Whether the API server is told to trust the authority in use."""
    for placed in snapshot.gates:
        yield _bundle(snapshot, placed.entry)
        yield from _label(snapshot, placed.entry)


def _bundle(snapshot: Snapshot, entry: Entry) -> Finding:
    about, remedy = str(entry), inject(entry, snapshot.secret)
    trusted = certificates(entry.ca_bundle)
    if not trusted and entry.ca_bundle.strip():
        return wrong(BUNDLE, about, "the caBundle holds nothing that is a certificate", remedy)
    if not trusted and isinstance(entry.target, str) and entry.inject is None:
        says = "the caBundle is empty: the API server trusts the authorities of its own machine"
        return note(BUNDLE, about, says, remedy)
    if not trusted:
        return wrong(BUNDLE, about, "the caBundle is empty: no call of this gate can succeed", remedy)
    if isinstance(snapshot.stored, Unknown):
        says = f"the caBundle trusts {len(trusted)}; whether the one in use is among them is not known"
        return unknown(BUNDLE, about, f"{says}: {snapshot.stored.why}")
    state = snapshot.stored.value.state
    held = stored_pair(snapshot)
    if state is None and held and refusal(held[0], trusted, host(entry), snapshot.now, held[1:]) is None:
        return right(BUNDLE, about, f"the caBundle trusts what Secret {snapshot.secret} holds")
    if state is None:
        says = f"the caBundle trusts {len(trusted)}; Secret {snapshot.secret} holds no authority of ours"
        return note(BUNDLE, about, f"{says}: {snapshot.stored.value.fault}", "name another one with --secret")
    missing = [one for one in state.authorities if one.certificate not in trusted]
    if state.issuer in missing:
        return wrong(BUNDLE, about, "the caBundle does not trust the authority in use: every call fails", remedy)
    if missing:
        return note(BUNDLE, about, "the caBundle lacks the next authority: the rotation waits for it", remedy)
    return right(BUNDLE, about, "the caBundle trusts the authority in use")


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
    elif ours:
        says = f"it lacks the label {INJECT}={namespace}: the next rotation will leave its caBundle behind"
        yield wrong(LABEL, str(entry), says, command)
    else:
        where = "a Service" if isinstance(entry.target, Service) else "a URL"
        yield note(LABEL, str(entry), f"it asks {where}, and is not labelled: somebody else must keep its caBundle")
