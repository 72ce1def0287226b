"""Records as one Parquet file: flat columns for queries, and each record's own JSON."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

from leadergate.audit.reading.columns import FLAT
from leadergate.audit.reading.filters import Filter
from leadergate.audit.reading.gather import Gathered
from leadergate.audit.reading.tally import Counted
from leadergate.audit.reading.trail import Relation

SCHEMA = "leadergate.dev/audit-parquet/v1"
"""Told in the file's own metadata, under ``leadergate``."""
_GROUP = 20_480
"""Records in a row group: what is held in memory before it is written."""
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)


class NotWritten(Exception):
    """The file cannot be written; the message says why, and what to do."""


def exported(sources: Gathered, flt: Filter, to: Path, *, force: bool) -> int:
    """Write the records that are asked for to ``to``, in no certain order; returns how many.

    The file appears whole or not at all: it is written beside its place, and then takes it. Raises :class:`NotWritten`,
    and duckdb.Error.
    """
    # A name of its own: two exports at once do not write to one file, and no link that waits there is followed.
    part = to.with_name(f".{to.name}.{secrets.token_hex(8)}.part")
    # Else whole row groups wait in memory for those before them.
    sources.engine.execute("SET preserve_insertion_order = false")
    try:
        count = sources.ask(lambda relation: _copied(sources, relation, flt, part), raw=True)
        _put(part, to, force=force)
    except OSError as fault:
        raise NotWritten(f"--to {str(to)!r}: {fault.strerror}; name another place") from fault
    finally:
        part.unlink(missing_ok=True)
    return count


def refuse_early(to: Path, *, force: bool) -> None:
    """Raise :class:`NotWritten` where the file may not be written, before anything is read."""
    if to.is_dir():
        raise NotWritten(f"--to {str(to)!r} is a folder; name a file in it, such as {str(to / 'records.parquet')!r}")
    if os.path.lexists(to) and not force:
        raise NotWritten(f"--to {str(to)!r} is there already; name another, or replace it with --force")
    if not to.parent.is_dir():
        raise NotWritten(f"--to {str(to)!r}: there is no folder {str(to.parent)!r}; make it first")
    if not os.access(to.parent, os.W_OK | os.X_OK):
        raise NotWritten(f"--to {str(to)!r}: the folder {str(to.parent)!r} may not be written to; name another")


def _copied(sources: Gathered, relation: Relation, flt: Filter, part: Path) -> tuple[int, Counted]:
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666))
    where = flt.where()
    leaves = ", ".join([*(column.name for column in FLAT), "raw"])
    form = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_GROUP}, USE_TMP_FILE false"
    form += f", KV_METADATA {{leadergate: '{SCHEMA}'}}"
    # COPY takes no parameter for its file.
    target = str(part).replace("'", "''")
    (count,) = sources.engine.execute(
        f"COPY (SELECT {leaves} FROM {relation.sql} WHERE ok AND ({where.sql})) TO '{target}' ({form})",
        [*relation.parameters, *where.parameters],
    ).fetchall()[0]
    return count, Counted()


def _put(part: Path, to: Path, *, force: bool) -> None:
    """Raises OSError, and :class:`NotWritten` where something has come to stand there."""
    if not force:
        try:
            # A link, unlike renaming, never takes the place of what is there.
            os.link(part, to)
        except FileExistsError:
            refuse_early(to, force=False)
        except OSError as fault:
            if fault.errno not in _NO_LINKS:
                raise
            refuse_early(to, force=False)
        else:
            return
    part.replace(to)
