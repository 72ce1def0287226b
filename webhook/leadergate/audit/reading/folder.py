"""The private folder of a command: what is spooled and spilled lies in it, and goes away with it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NoReturn

from leadergate.gates.inputs import refuse


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder that nobody else may look into. Ends the command with 2 where none can be made."""
    try:
        made = tempfile.TemporaryDirectory(prefix="leadergate-audit-")
    except OSError as fault:
        refuse("records cannot be spooled", [f"{fault.strerror}; set TMPDIR to a folder that may be written to"])
    with made as name:
        yield Path(name)


@contextmanager
def spool(path: Path) -> Iterator[BinaryIO]:
    """The file, to be written. Raises OSError, which names it: a full disk alone would not say where."""
    try:
        with path.open("wb") as file:
            yield file
    except OSError as fault:
        raise OSError(fault.errno, fault.strerror, str(path)) from fault


def refuse_spool(folder: Path, fault: OSError) -> NoReturn:
    """End the command with 2: there is no room in the folder."""
    refuse("records cannot be spooled", [f"{folder}: {fault.strerror}; set TMPDIR to where there is room"])
