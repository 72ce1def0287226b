"""How a program comes by its Pod's name as its host's name, as it does in a container.

By a namespace of the kernel (:mod:`leadergate_lab.interop.hostname`) where the machine permits that. Docker's default
profile does not, nor do other systems than Linux. There the program is built with a standard library of Go whose
``os.Hostname`` answers what HOSTNAME says, which the kubelet sets too; the program's own source is the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

from leadergate_lab.errors import AssetError
from leadergate_lab.interop import hostname
from leadergate_lab.toolchain import Go

ASKED = "return hostname()"
ANSWERED = f'if name := Getenv("HOSTNAME"); name != "" {{\n\t\treturn name, nil\n\t}}\n\t{ASKED}'


@cache
def namespaces_permitted() -> bool:
    """Whether this machine lets a process have a host name of its own."""
    return (
        subprocess.run(by_namespace("probe", [sys.executable, "-c", ""]), capture_output=True, check=False).returncode
        == 0
    )


def by_namespace(name: str, argv: list[str]) -> list[str]:
    """The command that runs ``argv`` on a host called ``name``."""
    return [sys.executable, "-I", "-S", str(hostname.__file__), name, *argv]


def overlay(go: Go, folder: Path) -> Path:
    """Write into ``folder`` what ``go build -overlay`` needs for host names by environment. Raises AssetError."""
    told = subprocess.run([go.command, "env", "GOROOT"], env=dict(go.env), capture_output=True, text=True, check=True)
    source = Path(told.stdout.strip()) / "src" / "os" / "sys.go"
    text = source.read_text()
    if text.count(ASKED) != 1:
        raise AssetError(
            f"This machine permits no UTS namespace, and {source} is not as expected: it should say `{ASKED}` once. Run"
            " with CAP_SYS_ADMIN (in Docker: --cap-add SYS_ADMIN), or with the Go of lab/leadergate_lab/toolchain.py."
        )
    changed = folder / "sys.go"
    changed.write_text(text.replace(ASKED, ANSWERED))
    file = folder / "overlay.json"
    file.write_text(json.dumps({"Replace": {str(source): str(changed)}}))
    return file
