"""Sources that are followed: files from their end on, and pipes."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from leadergate.audit.reading.follow import Followed
from leadergate.audit.reading.sources import Kind, Source, sources
from leadergate.gates.inputs import refuse


def growing(names: Sequence[str]) -> list[Source]:
    """What is to be followed under these names; where one of them cannot be, the command ends (exit code 2)."""
    found, faults = sources(names)
    told = [str(fault) for fault in faults]
    told += [f"FILE {one.name!r} does not grow; leave it out, or --follow" for one in found if _finished(one)]
    if told:
        refuse("nothing can be followed", told)
    return found


def tail(source: Source) -> Followed:
    """It, from its end on. Raises OSError."""
    if source.kind is Kind.STREAM and source.name == "standard input":
        return Followed.pipe(source.name, sys.stdin.fileno())
    followed = Followed.file(source.name, source.path)
    followed.skip_to_end()
    return followed


def _finished(source: Source) -> bool:
    return source.kind is Kind.PARQUET or source.name.endswith(".gz")
