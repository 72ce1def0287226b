"""The image's program as Kubernetes would run it: :mod:`leadergate_lab.image.jail` with the image's configuration."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from leadergate_lab.image import jail
from leadergate_lab.image.engine import Image, ImageError

# Run by the image's own Python: what it may write to, as the kernel tells it.
_WRITABLE = """
import os
found = [path for path, _, _ in os.walk("/") if not path.startswith("/proc") and os.access(path, os.W_OK)]
print(*found, sep="\\n")
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """A root file system and the configuration of its image."""

    root: Path
    image: Image

    def argv(self, program: Sequence[str], mounts: Mapping[str, Path], environment: Mapping[str, str]) -> list[str]:
        """The command that runs a program inside, ``mounts`` by their path there, all of them read-only."""
        argv = ["unshare", "--mount", "--propagation", "private", sys.executable, "-I", str(jail.__file__)]
        argv += [str(self.root)]
        argv += [f"--mount={source}={to}" for to, source in mounts.items()]
        argv += [f"--setenv={name}={value}" for name, value in {**self.image.environment, **environment}.items()]
        return [*argv, "--", *program]

    def told(self, *program: str) -> str:
        """What a program that ends says on standard output. Raises ImageError when it fails."""
        ended = subprocess.run(self.argv(program, {}, {}), capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            raise ImageError(f"{' '.join(program)} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def runs(self, *program: str) -> bool:
        """Whether a program can be run inside at all."""
        ended = subprocess.run(self.argv(program, {}, {}), capture_output=True, check=False)
        return ended.returncode == 0

    def writable(self) -> list[str]:
        """The folders that the image's user could write to."""
        return self.told("/opt/leadergate/bin/python", "-c", _WRITABLE).split()
