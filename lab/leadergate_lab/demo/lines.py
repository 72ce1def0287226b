"""Files of JSON lines that other processes are still writing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class JsonLines:
    """Reads what was appended since it last looked; a line is taken once it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._items: list[dict[str, Any]] = []

    def all(self) -> list[dict[str, Any]]:
        """All objects so far, oldest first. Lines that are no JSON object, such as a crash's trace, are left out."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._offset)
                fresh = file.read()
            whole = fresh[: fresh.rfind(b"\n") + 1]
            self._offset += len(whole)
            self._items += [found for line in whole.splitlines() if (found := _parsed(line)) is not None]
        return self._items


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
