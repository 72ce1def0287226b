"""Rows of gates in words: cells of a table, notes below it, and JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from leadergate.gates.row import Row
from leadergate.survey.naming import NAMESPACE
from leadergate.survey.parts import Unknown
from leadergate.survey.raw import labels, mappings, texts
from leadergate.survey.renewal import Standing
from leadergate.survey.snapshot import Snapshot
from leadergate_certs.duration import in_words

_HEADS = ("NAME", "MODE", "LEASE", "HOLDER", "AGE", "RULES", "POLICY", "BUNDLE", "CALLS", "REJECTED")
_WIDE = ("SCOPE", "CONDITIONS", "TIMEOUT")
_LEAST = 12
_ELIDED = ("NAME", "LEASE", "HOLDER", "RULES")
_GAP = "  "


def lines(found: Sequence[Row], *, width: int | None) -> list[str]:
    """A head and one line for each row. Names are shortened to fit ``width``; with None all is shown, and more."""
    wide = width is None
    heads = (*_HEADS, *_WIDE) if wide else _HEADS
    cells = [_cells(row, found, wide=wide)[: len(heads)] for row in found]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    if width is not None:
        widths = _fitted(widths, width)
    return [
        _GAP.join(
            _cut(cell, size, head).ljust(size) for cell, size, head in zip(line, widths, heads, strict=True)
        ).rstrip()
        for line in (heads, *cells)
    ]


def notes(found: Iterable[Row], snapshot: Snapshot) -> list[str]:
    """What the table cannot say: what is not known and why, and which holders name nobody."""
    said = []
    for row in found:
        gate, lease = row.gate, row.lease
        if gate is None:
            continue
        seen, pods = snapshot.leases[gate.lease], snapshot.pods[gate.from_namespace]
        if isinstance(seen, Unknown):
            said.append(f"Lease {gate.lease} was not read: {seen.why}")
        elif isinstance(pods, Unknown):
            said.append(f"whether a pod of namespace {gate.from_namespace} is the holder is not known: {pods.why}")
        elif lease is not None and row.matched is False:
            what = (
                f"{gate.identity} of namespace {gate.from_namespace}" if gate.identity == "pod" else "node of its pods"
            )
            said.append(
                f"! holder {lease.holder!r} of Lease {gate.lease} names no {what} in the form of the gate's path"
            )
    if isinstance(snapshot.stored, Unknown):
        said.append(f"BUNDLE tells only whether a certificate is there: {snapshot.stored.why}")
    if isinstance(snapshot.traffic, Unknown):
        said.append(f"CALLS and REJECTED are not known: {snapshot.traffic.why}")
    else:
        counted = "CALLS and REJECTED are what the API server that answered has counted since it started"
        said.append(f"{counted}; gates in mode warn or audit reject nothing")
    return list(dict.fromkeys(said))


def as_json(found: Iterable[Row], said: Sequence[str], snapshot: Snapshot) -> dict[str, Any]:
    """The rows as plain values; the command's help tells what they mean."""
    version = snapshot.api_version
    return {
        "apiServer": None if isinstance(version, Unknown) else version.value,
        "gates": [_gate_json(row) for row in found if not row.fault],
        "broken": [{**_entry_json(row), "path": row.entry.path, "fault": row.fault} for row in found if row.fault],
        "notes": list(said),
    }


def _cells(row: Row, among: Iterable[Row], *, wide: bool) -> tuple[str, ...]:
    entry, gate, traffic = row.entry, row.gate, row.traffic
    alone = sum(other.entry.configuration == entry.configuration for other in among) == 1
    return (
        entry.configuration if alone else f"{entry.configuration} {entry.name}",
        str(gate.mode) if gate else "broken",
        str(gate.lease) if gate else "-",
        _holder(row, wide=wide),
        _age(row),
        _resources(row, wide=wide),
        str(entry.failure_policy),
        str(row.bundle),
        str(traffic.calls) if traffic else "-",
        str(traffic.rejected) if traffic else "-",
        _scope(row),
        ",".join(name for name, _ in entry.conditions) or "-",
        f"{entry.timeout_seconds}s",
    )


def _resources(row: Row, *, wide: bool) -> str:
    found = tuple(dict.fromkeys(resource for rule in row.entry.rules for resource in rule.resources))
    if wide or len(found) < 2:
        return ",".join(found) or "-"
    return f"{found[0]} +{len(found) - 1}"


def _holder(row: Row, *, wide: bool) -> str:
    if row.gate is None:
        return "-"
    if row.lease_found is None:
        return "unknown"
    if row.lease is None:
        return "no lease"
    pod, joint, _ = row.lease.holder.partition("_")
    # What many election libraries put behind the pod's name is random.
    shown = row.lease.holder if wide or not joint else f"{pod}_…"
    return f"{shown}{' !' if row.matched is False else ''}" if shown else "nobody"


def _age(row: Row) -> str:
    if row.standing in (Standing.EXPIRED, Standing.AHEAD):
        return str(row.standing)
    return "-" if row.age is None else in_words(row.age).replace(" ", "")


def _scope(row: Row) -> str:
    scopes = "/".join(dict.fromkeys(rule.scope for rule in row.entry.rules)) or "-"
    selector = row.entry.namespace_selector
    wanted = [f"{key}={value}" for key, value in labels(selector.get("matchLabels")).items()]
    for one in mappings(selector.get("matchExpressions")):
        values = f" ({','.join(texts(one.get('values')))})" if one.get("values") else ""
        wanted.append(f"{one.get('key')} {one.get('operator')}{values}")
    return f"{scopes} where {' and '.join(wanted)}".replace(NAMESPACE, "namespace") if wanted else scopes


def _fitted(widths: list[int], width: int) -> list[int]:
    """Narrower where names stand, the widest first, until all fit."""
    fitted = list(widths)
    flexible = [_HEADS.index(head) for head in _ELIDED]
    while sum(fitted) + len(_GAP) * (len(fitted) - 1) > width:
        widest = max(flexible, key=lambda at: fitted[at])
        if fitted[widest] <= _LEAST:
            break
        fitted[widest] -= 1
    return fitted


def _cut(cell: str, width: int, head: str) -> str:
    """Gates are told apart by how their names begin, all others by both ends."""
    if len(cell) <= width:
        return cell
    kept = width - 1 if head == "NAME" else (width - 1) // 2
    return f"{cell[:kept]}…{cell[len(cell) - (width - 1 - kept) :]}"


def _entry_json(row: Row) -> dict[str, Any]:
    entry, traffic = row.entry, row.traffic
    return {
        "configuration": entry.configuration,
        "kind": entry.kind,
        "webhook": entry.name,
        "rules": [
            {
                "apiGroups": list(rule.groups),
                "apiVersions": list(rule.versions),
                "resources": list(rule.resources),
                "operations": list(rule.operations),
                "scope": rule.scope,
            }
            for rule in entry.rules
        ],
        "namespaceSelector": dict(entry.namespace_selector),
        "matchConditions": [{"name": name, "expression": expression} for name, expression in entry.conditions],
        "failurePolicy": str(entry.failure_policy),
        "timeoutSeconds": entry.timeout_seconds,
        "bundle": str(row.bundle),
        "calls": traffic.calls if traffic else None,
        "rejected": traffic.rejected if traffic else None,
        "failed": traffic.failed if traffic else None,
        "failedOpen": traffic.failed_open if traffic else None,
    }


def _gate_json(row: Row) -> dict[str, Any]:
    gate, lease = row.gate, row.lease
    if gate is None:
        raise ValueError("a broken gate has no mode")
    renewed = lease.renew_time if lease else None
    return {
        **_entry_json(row),
        "mode": str(gate.mode),
        "from": gate.from_namespace,
        "identity": str(gate.identity),
        "lease": {
            "namespace": gate.lease.namespace,
            "name": gate.lease.name,
            "found": row.lease_found,
            "holder": lease.holder or None if lease else None,
            "holderMatched": row.matched,
            "renewTime": renewed.isoformat() if renewed else None,
            "ageSeconds": None if row.age is None else int(row.age.total_seconds()),
            "leaseDurationSeconds": lease.duration if lease else None,
            "expired": row.standing is Standing.EXPIRED,
        },
    }
