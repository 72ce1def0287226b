"""What a command reads: a file, and the cluster's discovery. What cannot be read ends it with 2, or is noted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import typer

from leadergate.gates.discovery import Findings, NotAsked, ask
from leadergate.gates.fields import BadFile, Fields, parse_file
from leadergate.gates.spec import StatusResource
from leadergate_certs.reach import way
from leadergate_election.credentials import CredentialsFault


def from_file(name: str) -> Fields:
    """The fields of a YAML file; ``-`` is standard input."""
    if name == "-" and sys.stdin is None:
        refuse("--file '-' cannot be read", ["standard input is closed; send it a file, or name one"])
    try:
        text = sys.stdin.buffer.read().decode() if name == "-" else Path(name).read_text(encoding="utf-8")
        return parse_file(text)
    except OSError as fault:
        refuse(f"--file {name!r} cannot be read", [f"{fault.strerror}; name a YAML file"])
    except UnicodeDecodeError:
        refuse(f"--file {name!r} cannot be read", ["it is not in UTF-8; save it so"])
    except BadFile as bad:
        refuse(f"--file {name!r} is refused", bad.faults)


def asked(resources: tuple[StatusResource, ...], kubeconfig: Path | None, context: str | None) -> Findings:
    """What discovery says; nothing, and a note, when there is no cluster to ask."""
    if not resources:
        return {}
    try:
        return ask(way(kubeconfig, context), resources)
    except CredentialsFault as fault:
        if kubeconfig is not None or context is not None:
            refuse("the cluster that was named cannot be asked", [f"{fault}, or ask none (--offline)"])
        typer.echo(f"note: there is no cluster to ask: {fault}", err=True)
    except NotAsked as why:
        typer.echo(f"note: no cluster could be asked: {why}", err=True)
    return {}


def refuse(what: str, faults: list[str]) -> NoReturn:
    """End the command with 2. Nothing has gone to standard output, so that nothing is applied."""
    typer.echo(f"error: {what}; {len(faults)} thing(s) to mend:", err=True)
    for fault in faults:
        typer.echo(f"  - {fault}", err=True)
    raise typer.Exit(2)
