"""Audit logs and records as files, and the command on them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from leadergate.audit.cli import app

from ..controlplane.team import Team

Json = Mapping[str, Any]


def written(path: Path, values: Iterable[Json]) -> Path:
    """A file of JSON lines."""
    path.write_text("".join(json.dumps(value, separators=(",", ":")) + "\n" for value in values))
    return path


def run(audit_log: Path | str, *arguments: str | Path, tolerance: str = "0s", form: str = "json") -> Result:
    """The command. Here all is of one machine, whose clock is one, and the log is written before the answer is."""
    argv = ["reconcile", "--audit-log", str(audit_log), "--tolerance", tolerance, "-o", form, *map(str, arguments)]
    return CliRunner().invoke(app, argv)


def counts(result: Result) -> dict[str, int]:
    """What was found, without what was not; from JSON."""
    assert result.exit_code in (0, 1), result.output
    return {kind: count for kind, count in json.loads(result.stdout)["summary"]["counts"].items() if count}


def found(result: Result, kind: str) -> list[dict[str, Any]]:
    """The findings of one kind; from JSON."""
    return [one for one in json.loads(result.stdout)["findings"] if one["kind"] == kind]


def probe(team: Team) -> None:
    """A write that is rejected: logs are judged only within what they cover, which each test's writes lie inside of."""
    team.follower.status(team.note, {"text": "probe"}, dryRun="All")


def final(events: Iterable[Json]) -> list[Json]:
    """The events that close their requests."""
    return [event for event in events if event["stage"] == "ResponseComplete"]
