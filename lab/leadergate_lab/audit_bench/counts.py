"""The same counts by ``jq``, and whether the summary says the same. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

# Of several ways to write it the quickest; taking the JSON apart is two thirds of its time.
PROGRAM = """
reduce inputs as $r ({};
  ($r.gate + "\\t" + $r.verdict + "\\t" + $r.standing + "\\t" + $r.reason + "\\t"
    + ($r.requester | .namespace + "\\t" + .pod + "\\t" + .username)) as $key
  | .[$key] as $old
  | .[$key] =
    if $old == null then [1, $r.time, $r.time]
    elif $r.time > $old[2] then [$old[0] + 1, $old[1], $r.time]
    elif $r.time < $old[1] then [$old[0] + 1, $r.time, $old[2]]
    else [$old[0] + 1, $old[1], $old[2]] end)
"""
"""For ``jq -n``: records of each gate, verdict, standing, reason and writer; their number, the first and the last."""

_SECONDS = len("2026-03-01T22:00:00")
"""Times are compared to the second: jq orders them as texts, in which fractions may be left out."""


class Group(NamedTuple):
    """Records that jq counted as one; times to the second."""

    gate: str
    verdict: str
    standing: str | None
    reason: str
    who: str
    records: int
    first: str
    last: str

    @property
    def routine(self) -> bool:
        """Whether a summary leaves them out of its detail."""
        return (self.verdict, self.standing, self.reason) == ("Deny", "follower", "NotHolder")

    @property
    def told(self) -> bool:
        """Whether they are rejections that it tells of."""
        return self.verdict != "Allow" and not self.routine


def groups(answer: Mapping[str, tuple[int, str, str]]) -> list[Group]:
    """What the program printed."""
    found = []
    for key, (count, first, last) in answer.items():
        gate, verdict, standing, reason, namespace, pod, user = key.split("\t", 6)
        who = f"{namespace}/{pod}" if namespace and pod else pod or f"user {user}"
        found.append(Group(gate, verdict, standing or None, reason, who, count, first[:_SECONDS], last[:_SECONDS]))
    return found


def differences(found: Iterable[Group], summary: Mapping[str, Any]) -> list[str]:
    """Where a summary (``--output json``) says other than jq; nothing where both say the same."""
    found = list(found)
    whole = {"records": sum(one.records for one in found), **_ends(found)}
    told = _differ("", whole, {**summary, **_times(summary)})
    gates = {one["gate"]: one for one in summary["gates"]}
    by_gate: dict[str, list[Group]] = {}
    for group in found:
        by_gate.setdefault(group.gate, []).append(group)
    told += _differ("", {"gates": sorted(by_gate)}, {"gates": sorted(gates)})
    for gate in by_gate.keys() & gates.keys():
        told += _gate(gate, by_gate[gate], gates[gate])
    return told


def _gate(name: str, found: list[Group], summary: Mapping[str, Any]) -> list[str]:
    rejected = [one for one in found if one.told]
    standings: Counter[str] = Counter()
    for one in rejected:
        standings[one.standing or ""] += one.records
    expected = {
        "rejections": sum(one.records for one in rejected),
        "routine": sum(one.records for one in found if one.routine),
        "allowed": sum(one.records for one in found if one.verdict == "Allow"),
        "standings": dict(standings),
        **_ends(rejected),
    }
    told = _differ(f"{name}: ", expected, {**summary, **_times(summary)})
    writers = {(one.who, one.standing, one.reason): one for one in _merged(rejected)}
    told += _differ(f"{name}: ", {"writersInAll": len(writers)}, summary)
    for one in summary["writers"]:
        group = writers.get((one["who"], one["standing"], one["reason"]))
        if group is None:
            told.append(f"{name}: jq has no {one['who']} {one['standing']} {one['reason']}")
            continue
        counted = {"writes": group.records, "first": group.first, "last": group.last}
        told += _differ(f"{name}: {one['who']}: ", counted, {**one, **_times(one)})
    return told


def _merged(found: Iterable[Group]) -> Iterable[Group]:
    """Verdicts of one writer, standing and reason taken together."""
    merged: dict[tuple[str, str | None, str], Group] = {}
    for one in found:
        key = (one.who, one.standing, one.reason)
        other = merged.get(key)
        merged[key] = (
            one
            if other is None
            else one._replace(
                records=one.records + other.records, first=min(one.first, other.first), last=max(one.last, other.last)
            )
        )
    return merged.values()


def _ends(found: list[Group]) -> dict[str, str | None]:
    return {
        "first": min((one.first for one in found), default=None),
        "last": max((one.last for one in found), default=None),
    }


def _times(summary: Mapping[str, Any]) -> dict[str, str | None]:
    return {name: summary[name] and summary[name][:_SECONDS] for name in ("first", "last")}


def _differ(what: str, expected: Mapping[str, Any], said: Mapping[str, Any]) -> list[str]:
    return [
        f"{what}{name} is {value!r} to jq and {said[name]!r} to the summary"
        for name, value in expected.items()
        if said[name] != value
    ]
