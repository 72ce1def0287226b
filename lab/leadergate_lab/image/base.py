"""Two base images out of Debian's packages, where no registry can be reached.

The one to build on is debootstrap's. The one to run on has the files of those packages that the image
``distroless/python3-debian13`` is made of (GoogleContainerTools/distroless: ``python3/config.bzl`` and the
configurations of the images beneath it), and so no shell. It stands in for that image and is not it.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from leadergate_lab.image.engine import ImageError, run

SUITE = "trixie"
PYTHON = "3.13"
INCLUDE = ("python3", "python3-venv", "ca-certificates")
PACKAGES = (
    *("base-files", "netbase", "tzdata", "media-types", "ca-certificates"),
    *("libc6", "libssl3t64", "libzstd1", "zlib1g", "libstdc++6", "libgcc-s1", "gcc-14-base"),
    *("libbz2-1.0", "libdb5.3t64", "libexpat1", "liblzma5", "libsqlite3-0", "libuuid1", "libncursesw6", "libtinfo6"),
    *("libcrypt1", "libc-bin", "libreadline8t64", "libffi8"),
    *("libpython3.13-minimal", "libpython3.13-stdlib", "python3.13-minimal", "python3.13-venv"),
)
"""Without libgomp1 and those of Kerberos, which debootstrap does not bring: leadergate loads none of them."""

# What no package lists: links of the merged /usr, and files that maintainer scripts make.
_MADE = (
    *("/bin", "/sbin", "/lib", "/lib64", "/usr/bin/python3"),
    *("/etc/passwd", "/etc/group", "/etc/ld.so.cache", "/etc/ssl/certs/ca-certificates.crt"),
)
_LEFT_OUT = ("/usr/share/doc", "/usr/share/man", "/usr/share/lintian")


def build_base(tree: Path, log: Path, mirror: str | None) -> None:
    """Bootstrap Debian into a folder; ``mirror`` is debootstrap's own unless named. Raises ImageError."""
    argv = ["debootstrap", "--variant=minbase", f"--include={','.join(INCLUDE)}", SUITE, str(tree)]
    run([*argv, *([mirror] if mirror else [])], what="debootstrap", log=log)


def run_base(built: Path, tree: Path) -> None:
    """Copy into ``tree`` what the packages of ``PACKAGES`` have in ``built``. Raises ImageError."""
    wanted = set(_MADE)
    for package in PACKAGES:
        # dpkg of the machine, if it has one, would look at the machine: the one inside looks at its own root.
        told = subprocess.run(["chroot", built, "dpkg", "-L", package], capture_output=True, text=True, check=False)
        if told.returncode != 0:
            raise ImageError(f"{SUITE} has no package {package}: the list in {__file__} is out of date")
        wanted |= {line for line in told.stdout.splitlines() if not line.startswith(_LEFT_OUT)}
    tree.mkdir()
    for path in sorted(wanted - {"/."}):
        source, target = built / path.lstrip("/"), tree / path.lstrip("/")
        if source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source.readlink())
        elif source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif source.is_file():
            shutil.copy2(source, target)
