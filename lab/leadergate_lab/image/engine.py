"""buildah, with a store of its own that is gone with its folder; no daemon, no registry, no container."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = {"buildah": "buildah", "debootstrap": "debootstrap", "unshare": "util-linux", "mount": "mount"}
"""What must be on PATH, and the Debian package that brings it."""

_TAIL_LINES = 25


class ImageError(Exception):
    """The image cannot be built or is not what it should be; the message says why and the remedy."""


@dataclass(frozen=True, slots=True)
class Image:
    """What an engine tells of an image: its configuration (OCI image-spec, config) and its layers' diff ids."""

    user: str
    entrypoint: tuple[str, ...]
    environment: dict[str, str]
    labels: dict[str, str]
    layers: tuple[str, ...]


def missing() -> str:
    """What to install before anything can be done; empty when all is there."""
    packages = sorted(package for program, package in PROGRAMS.items() if shutil.which(program) is None)
    if not packages:
        return ""
    return f"needs {', '.join(packages)}: apt-get install {' '.join(packages)} (Debian or Ubuntu, as root)"


def run(argv: Sequence[str | Path], *, what: str, log: Path) -> str:
    """Run a command, its output into ``log``; returns what it wrote to standard output.

    Raises ImageError with the end of the log.
    """
    with log.open("a") as stream:
        ended = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stream, check=False)
        text = ended.stdout.decode(errors="replace")
        stream.write(text)
    if ended.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])
        raise ImageError(f"{what} failed with {ended.returncode}:\n{tail}")
    return text


class Buildah:
    """Commands of buildah on a store in ``folder``."""

    def __init__(self, folder: Path) -> None:
        store = ["--root", str(folder / "store"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]
        self._argv = ["buildah", *store]
        self._log = folder / "buildah.log"

    def bring_in(self, tree: Path, name: str) -> None:
        """Make an image of one layer of a folder, which is the root file system."""
        container = self._run(f"Making {name}", "from", "scratch").strip()
        self._run(f"Making {name}", "add", "--quiet", container, f"{tree}/", "/")
        self._run(f"Making {name}", "commit", "--quiet", container, name)
        self._run(f"Making {name}", "rm", container)

    def build(
        self, context: Path, name: str, arguments: Mapping[str, str], secrets: Mapping[str, Path], more: Sequence[str]
    ) -> None:
        """Build the Dockerfile of ``context``, with the network of this machine. ``more`` are flags of buildah."""
        flags = [f"--build-arg={key}={value}" for key, value in arguments.items()]
        flags += [f"--secret=id={key},src={file}" for key, file in secrets.items()]
        flags += ["--isolation=chroot", "--network=host", "--no-cache", "--format=oci", "--timestamp=0", *more]
        self._run(f"Building {name}", "bud", *flags, "--tag", name, str(context))

    def root_of(self, name: str) -> Path:
        """The root file system of a new container of an image; nothing runs in it."""
        container = self._run(f"Unpacking {name}", "from", name).strip()
        return Path(self._run(f"Unpacking {name}", "mount", container).strip())

    def inspect(self, name: str) -> Image:
        """What the image says of itself."""
        told = json.loads(self._run(f"Looking at {name}", "inspect", "--type", "image", name))["OCIv1"]
        config = told["config"]
        return Image(
            user=config.get("User", ""),
            entrypoint=tuple(config.get("Entrypoint") or ()),
            environment=dict(line.split("=", 1) for line in config.get("Env") or ()),
            labels=dict(config.get("Labels") or {}),
            layers=tuple(told["rootfs"]["diff_ids"]),
        )

    def _run(self, what: str, *argv: str) -> str:
        return run([*self._argv, *argv], what=what, log=self._log)
