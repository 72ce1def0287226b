"""What the API server has counted of each gate."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from leadergate.doctor.commands import see
from leadergate.doctor.finding import INSTALLATION, Finding, note, right, unknown, wrong
from leadergate.survey.gates import PlacedGate, Traffic
from leadergate.survey.parts import Unknown
from leadergate.survey.snapshot import Snapshot

TRAFFIC, FAILED = "traffic", "failed-calls"


def traffic(snapshot: Snapshot) -> Iterator[Finding]:
    """Counted by the one API server that answered, since it started."""
    if isinstance(snapshot.traffic, Unknown):
        says = f"the API server's own metrics could not be read: {snapshot.traffic.why}"
        yield unknown(TRAFFIC, INSTALLATION, says, _let_read(snapshot))
        return
    for placed in snapshot.gates:
        counted = snapshot.traffic.value.get(placed.entry.name, Traffic(0, 0, 0, 0))
        yield _seen(placed, counted)
        if counted.calls:
            yield _failed(snapshot, placed, counted)


def _let_read(snapshot: Snapshot) -> str:
    """For an administrator. The webhook's own account shall not have more rights for the doctor's sake."""
    if snapshot.caller in ("", snapshot.account.username):
        return "run this as an administrator, outside"
    user = shlex.quote(snapshot.caller)
    return f"kubectl create clusterrolebinding leadergate-doctor --clusterrole=system:monitoring --user={user}"


def _seen(placed: PlacedGate, counted: Traffic) -> Finding:
    about = str(placed.entry)
    if not counted.calls:
        says = "this API server has put no write to it since it started: do its rules, selector and conditions fit?"
        return note(TRAFFIC, about, says, f"{see(placed.entry)}  # and write a status, to see it called")
    says = f"writes that this API server put to it: {counted.calls}; of them rejected: {counted.rejected}"
    return right(TRAFFIC, about, says)


def _failed(snapshot: Snapshot, placed: PlacedGate, counted: Traffic) -> Finding:
    about, failed = str(placed.entry), counted.failed
    if not failed:
        return right(FAILED, about, "every call has brought a verdict")
    came = f"{counted.failed_open} of them went through all the same" if counted.failed_open else "these writes failed"
    says = f"{failed} of {counted.calls} calls brought no verdict, and {came}"
    where = f"kubectl -n {snapshot.service.namespace} logs -l app.kubernetes.io/name=leadergate"
    remedy = f"{where}  # and leadergate certs show --secret {snapshot.secret}"
    if failed == counted.calls:
        return wrong(FAILED, about, f"{says}: it has never worked", remedy)
    return note(FAILED, about, f"{says} (counted since this API server started)", remedy)
