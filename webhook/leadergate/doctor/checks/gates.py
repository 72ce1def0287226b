"""Whether there are gates at all, and whether each path is one."""

from __future__ import annotations

from collections.abc import Iterator

from leadergate.doctor.commands import edit, gate_path
from leadergate.doctor.finding import INSTALLATION, Finding, note, right, wrong
from leadergate.survey.reading import VALIDATING
from leadergate.survey.snapshot import Snapshot

GATES, PATH, KIND = "gates", "path", "kind"


def gates(snapshot: Snapshot) -> Iterator[Finding]:
    """What there is to judge."""
    count = len(snapshot.gates) + len(snapshot.broken)
    if count:
        yield right(GATES, INSTALLATION, f"{count} gate(s) ask this webhook")
    else:
        says = "no webhook configuration asks this webhook: nothing is gated"
        yield note(GATES, INSTALLATION, says, "leadergate gate render --help")
    for placed in snapshot.gates:
        yield right(PATH, str(placed.entry), f"its path is a gate's: {gate_path(placed.gate)}")
    for broken in snapshot.broken:
        if broken.entry.kind != VALIDATING:
            says = f"it asks our webhook, and {broken.fault}"
            yield wrong(KIND, str(broken.entry), says, "leadergate gate render --help")
            continue
        says = f"its path is no gate's, and every call is answered 404: {broken.fault}"
        yield wrong(PATH, str(broken.entry), says, f"{edit(broken.entry)}  # mend the path; docs/gates.md has its form")
