"""All checks, in the order in which somebody would mend things."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from leadergate.doctor.checks.bundle import bundle
from leadergate.doctor.checks.gates import gates
from leadergate.doctor.checks.holder import holder
from leadergate.doctor.checks.lease import lease
from leadergate.doctor.checks.others import others
from leadergate.doctor.checks.overlap import overlap
from leadergate.doctor.checks.priority import priority
from leadergate.doctor.checks.rights import rights
from leadergate.doctor.checks.rules import rules
from leadergate.doctor.checks.service import service
from leadergate.doctor.checks.settings import settings
from leadergate.doctor.checks.subjects import named_subjects
from leadergate.doctor.checks.tls import tls
from leadergate.doctor.checks.tokens import tokens
from leadergate.doctor.checks.traffic import traffic
from leadergate.doctor.checks.versions import versions
from leadergate.doctor.finding import INSTALLATION, Finding
from leadergate.survey.gates import Entry
from leadergate.survey.snapshot import Snapshot

CHECKS: tuple[Callable[[Snapshot], Iterator[Finding]], ...] = (
    gates,
    service,
    tls,
    bundle,
    rights,
    priority,
    lease,
    holder,
    tokens,
    named_subjects,
    rules,
    settings,
    overlap,
    others,
    traffic,
    versions,
)


def judge(snapshot: Snapshot, only: Collection[str] = ()) -> list[Finding]:
    """All findings: first the installation's, then gate by gate.

    ``only`` are names of configurations or of their entries: of other gates nothing is said, though what they do to
    these is seen.
    """
    found = [finding for check in CHECKS for finding in check(snapshot)]
    entries = _entries(snapshot)
    abouts = [INSTALLATION, *dict.fromkeys(str(entry) for entry in entries if not only or _is_one(entry, only))]
    return [finding for about in abouts for finding in found if finding.about == about]


def missing(snapshot: Snapshot, only: Collection[str]) -> list[str]:
    """Those of the names that no gate has."""
    entries = _entries(snapshot)
    return [name for name in only if not any(_is_one(entry, (name,)) for entry in entries)]


def _entries(snapshot: Snapshot) -> list[Entry]:
    return [*(one.entry for one in snapshot.gates), *(one.entry for one in snapshot.broken)]


def _is_one(entry: Entry, names: Collection[str]) -> bool:
    return bool({entry.configuration, entry.name, str(entry)}.intersection(names))
