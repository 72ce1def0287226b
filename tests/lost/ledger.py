"""What clients and the API server's audit log were told, held against the log of records: pure functions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from leadergate.record_output import TORN
from leadergate_lab.writer import Answer

Told = Mapping[str, str]
"""Reasons of rejections by the uid of their review."""


def whole(log: bytes) -> list[dict[str, Any]]:
    """The records of a log: its whole lines. Raises ValueError for a line that is neither whole nor marked as torn."""
    lines = [line for line in log.splitlines(keepends=True) if line.endswith(b"\n") and not line.endswith(TORN)]
    return [json.loads(line) for line in lines]


def torn(log: bytes) -> list[bytes]:
    """What there is of lines whose rest never came: the marked ones, without their mark, and an unended last one."""
    lines = log.splitlines(keepends=True)
    return [line.removesuffix(TORN) for line in lines if line.endswith(TORN) or not line.endswith(b"\n")]


def denied(answers: Iterable[Answer]) -> Told:
    """What clients were told: each answer that is a gate's rejection."""
    return {answer.causes["ReviewUID"]: answer.cause for answer in answers if "ReviewUID" in answer.causes}


def withheld(answers: Iterable[Answer]) -> int:
    """How many clients got an error because the webhook gave no verdict (or could not be reached)."""
    return sum("failed calling webhook" in answer.message for answer in answers)


def audited(events: Iterable[Mapping[str, Any]], webhook: str) -> Told:
    """What the API server's audit log says of this webhook: every review whose annotations say Deny."""
    notes = [event.get("annotations", {}) for event in events]
    return {
        note[f"{webhook}/uid"]: note[f"{webhook}/reason"] for note in notes if note.get(f"{webhook}/verdict") == "Deny"
    }


def unrecorded(told: Told, records: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What is wrong, by uid, where a rejection does not have exactly one record with the same reason."""
    times = Counter(record["uid"] for record in records)
    reasons = {record["uid"]: record["reason"] for record in records}
    faults: dict[str, str] = {}
    for uid, reason in told.items():
        if times[uid] != 1:
            faults[uid] = f"{times[uid]} records"
        elif reasons[uid] != reason:
            faults[uid] = f"told {reason}, recorded {reasons[uid]}"
    return faults
