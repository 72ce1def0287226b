"""What the webhook's account may do."""

from __future__ import annotations

from collections.abc import Iterator

from leadergate.doctor.commands import grant, render, rendered
from leadergate.doctor.finding import INSTALLATION, Finding, note, right, unknown, wrong
from leadergate.gates.spec import Service
from leadergate.survey.gates import PlacedGate
from leadergate.survey.parts import Known, Right, Unknown
from leadergate.survey.snapshot import Snapshot
from leadergate.survey.worth import by_others

RIGHTS = "rights"


def rights(snapshot: Snapshot) -> Iterator[Finding]:
    """Each right that is missing, and one line for all that are there."""
    granted: dict[str, list[str]] = {}
    unasked: dict[str, list[str]] = {}
    for one, known in snapshot.rights.items():
        takers = _gates(snapshot, one)
        if one.resource != "leases" and known == Known(value=False) and _of_others(snapshot):
            continue
        if isinstance(known, Unknown):
            unasked.setdefault(known.why, []).append(str(one))
        elif known.value:
            for name in [str(placed.entry) for placed in takers] or [INSTALLATION]:
                granted.setdefault(name, []).append(str(one))
        elif takers:
            yield from (_missing(snapshot, one, placed) for placed in takers)
        else:
            yield _missing_to_all(snapshot, one)
    for name, found in granted.items():
        what = (
            f"has the {len(found)} rights that certificates take" if name == INSTALLATION else f"may {', '.join(found)}"
        )
        yield right(RIGHTS, name, f"{snapshot.account} {what}")
    for why, found in unasked.items():
        says = f"whether {snapshot.account} has {len(found)} rights that it needs is not known: {why}"
        yield unknown(RIGHTS, INSTALLATION, says, f"kubectl auth can-i {found[0]} --as={snapshot.account.username}")


def _missing(snapshot: Snapshot, one: Right, placed: PlacedGate) -> Finding:
    fate = "its writes get no verdict" if one.resource == "leases" else "its caBundle is not kept"
    ours = not isinstance(snapshot.stored, Unknown) and snapshot.stored.value.state is not None
    injected = snapshot.secret.partition("/")[0] if ours and placed.entry.inject_from is None else None
    remedy = render(placed, snapshot.account, injected) if rendered(placed) else grant(one, snapshot.account)
    return wrong(RIGHTS, str(placed.entry), f"{snapshot.account} may not {one}: {fate}", remedy)


def _missing_to_all(snapshot: Snapshot, one: Right) -> Finding:
    says, command = f"{snapshot.account} may not {one}", grant(one, snapshot.account)
    if _needed(snapshot, one):
        return wrong(RIGHTS, INSTALLATION, says, command)
    return note(RIGHTS, INSTALLATION, f"{says}; no gate here needs it", command)


def _of_others(snapshot: Snapshot) -> bool:
    """Whether others make the certificates, and put them into the gates: the webhook's account has no part in it."""
    if any(placed.entry.inject is not None for placed in snapshot.gates):
        return False
    absent = isinstance(snapshot.stored, Known) and snapshot.stored.value.manifest is None
    return by_others(snapshot) or (absent and bool(snapshot.gates))


def _needed(snapshot: Snapshot, one: Right) -> bool:
    """Certificates made by hand need no rights, and what stands behind a Service is of no use without one."""
    if one.resource == "endpointslices":
        return any(isinstance(placed.entry.target, Service) and placed.entry.inject for placed in snapshot.gates)
    if one.resource in ("secrets", "validatingwebhookconfigurations", "mutatingwebhookconfigurations"):
        return any(placed.entry.inject is not None for placed in snapshot.gates)
    return True


def _gates(snapshot: Snapshot, one: Right) -> list[PlacedGate]:
    """The gates that a right is for."""
    if one.resource == "leases":
        key = (one.namespace, one.name)
        return [placed for placed in snapshot.gates if tuple(placed.gate.lease) == key]
    return [placed for placed in snapshot.gates if one.verb == "patch" and one.name == placed.entry.configuration]
