"""What the containers of a village wrote and how they ended, as files that outlive them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PodLogs:
    """One Pod that ran, which may be gone. Its files stay until the village ends."""

    namespace: str
    name: str
    uid: str
    folder: Path

    def stdout(self, container: str) -> Path:
        """What it wrote to standard output, over all its restarts."""
        return self.folder / f"{container}.stdout"

    def stderr(self, container: str) -> Path:
        """What it wrote to standard error, over all its restarts."""
        return self.folder / f"{container}.stderr"

    def log(self, container: str, run: int = 0) -> Path:
        """What the kubelet serves of its first run, or of a later one: both streams with times (``journal.py``)."""
        return self.folder / f"{container}.{run}.log"

    def pid(self, container: str) -> int:
        """The process of its last run, which may have ended."""
        return int((self.folder / f"{container}.pid").read_text())

    def exit_codes(self, container: str) -> list[int]:
        """How it ended, each time; a signal is 128 and its number."""
        ends = self.folder / f"{container}.ends"
        return [json.loads(line)["exit"] for line in ends.read_text().splitlines()] if ends.exists() else []

    def tail(self, lines: int = 30) -> str:
        """The last lines of everything, for a message."""
        parts = []
        for file in sorted([*self.folder.glob("*.stdout"), *self.folder.glob("*.stderr")]):
            text = file.read_text(errors="replace").splitlines()[-lines:]
            if text:
                parts.append(f"--- end of {file}\n" + "\n".join(text))
        return "\n".join(parts)


class NodeLogs:
    """All Pods that ever ran on the node."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def pods(self, namespace: str, prefix: str = "") -> list[PodLogs]:
        """Those of a namespace whose names begin so, oldest first."""
        found = sorted(self.folder.glob(f"*_{namespace}_{prefix}*_*"))
        return [PodLogs(*_parts(folder), folder) for folder in found]

    def pod(self, namespace: str, name: str) -> PodLogs:
        """The newest of that name. Raises LookupError when there was none."""
        found = [one for one in self.pods(namespace, name) if one.name == name]
        if not found:
            raise LookupError(f"no Pod {namespace}/{name} has run on the node")
        return found[-1]


def _parts(folder: Path) -> tuple[str, str, str]:
    _, namespace, name, uid = folder.name.split("_")
    return namespace, name, uid
