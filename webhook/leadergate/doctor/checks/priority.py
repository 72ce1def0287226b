"""How the API server ranks the webhook's reads of Leases."""

from __future__ import annotations

from collections.abc import Iterator

from leadergate.doctor.commands import flow_schema
from leadergate.doctor.finding import INSTALLATION, Finding, note, right, unknown, wrong
from leadergate.gates.spec import FailurePolicy
from leadergate.survey.parts import Unknown
from leadergate.survey.snapshot import Snapshot

PRIORITY = "priority"
_FIT = ("leader-election", "exempt")
"""A status write holds a seat while the API server waits for the webhook, whose read needs a seat too: in one priority
level they starve each other."""


def priority(snapshot: Snapshot) -> Iterator[Finding]:
    """Whether reads go ahead of the writes that wait for them."""
    match snapshot.flow:
        case Unknown(why):
            yield unknown(PRIORITY, INSTALLATION, f"how the API server ranks reads of Leases is not known: {why}")
            return
        case found:
            flow = found.value
    if flow is not None and flow.level in _FIT:
        says = f"FlowSchema {flow.schema} puts reads of Leases into priority level {flow.level}"
        yield right(PRIORITY, INSTALLATION, says)
        return
    where = f"FlowSchema {flow.schema} puts them into {flow.level}" if flow else "no FlowSchema takes them"
    says = (
        f"reads of Leases are not in priority level leader-election ({where}): under load they starve with the writes"
    )
    hard = [str(one.entry) for one in snapshot.gates if one.entry.failure_policy is FailurePolicy.FAIL]
    if hard:
        more = f"{says}; writes of {', '.join(hard)} then fail"
        yield wrong(PRIORITY, INSTALLATION, more, flow_schema(snapshot.account))
    else:
        yield note(PRIORITY, INSTALLATION, says, flow_schema(snapshot.account))
