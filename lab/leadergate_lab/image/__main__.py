"""Build the image, run it as a cluster would, build it again and compare: ``python -m leadergate_lab.image``.

buildah builds it, without a daemon, on bases that are made of Debian's packages, since a registry may be out of reach.
What runs is the image's program on the image's files, as user 65532, without a capability, a shell or a path to write.
"""

from __future__ import annotations

import argparse
import os
import shutil
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from leadergate_lab.assets import ensure
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.errors import AssetError
from leadergate_lab.image import base, tree
from leadergate_lab.image.cell import Cell
from leadergate_lab.image.engine import Buildah, ImageError, missing
from leadergate_lab.image.trial import Trial
from leadergate_lab.progress import Console, elapsed, ticking
from leadergate_lab.scratch import Scratch

ROOT = Path(__file__).parents[3]
CONTEXT = (
    *("Dockerfile", ".dockerignore", "pyproject.toml", "uv.lock", "README.md", "LICENSE"),
    *("webhook", "operator", "certs"),
)
BUILD_BASE, RUN_BASE = "localhost/build-base", "localhost/run-base"
BASES = {"BUILD_BASE": BUILD_BASE, "RUN_BASE": RUN_BASE, "RUN_PYTHON": "/usr/bin/python3"}
_APART = "LEADERGATE_LAB_MOUNTS_APART"

Say = Callable[[str], None]


def check(folder: Path, mirror: str | None, more: Sequence[str], say: Say) -> None:
    """Everything, with what it needs in ``folder``. Raises ImageError, AssetError, RuntimeError, TimeoutError."""
    engine, context = Buildah(folder), folder / "context"
    _copy_context(context)
    _make_bases(engine, folder, mirror, say)
    roots = []
    for name in ("localhost/first", "localhost/second"):
        with _timed(say, f"building {name.rpartition('/')[2]} time"):
            engine.build(context, name, BASES, _secrets(), more)
        roots.append(engine.root_of(name))
    first, second = engine.inspect("localhost/first"), engine.inspect("localhost/second")
    unlike = tree.differences(tree.entries(roots[0]), tree.entries(roots[1]))
    if unlike or first != second:
        raise ImageError(f"two builds differ: layers {first.layers} and {second.layers}; paths: {unlike[:20]}")
    say(f"two builds are the same, layer by layer: {', '.join(layer[:19] for layer in first.layers)}")
    _look(roots[0], say)
    cell = Cell(roots[0], first)
    say(f"leadergate version: {cell.told(*first.entrypoint, 'version').strip()}")
    for help_of in (("--help",), ("serve", "--help"), ("gate", "render", "--help")):
        cell.told(*first.entrypoint, *help_of)
    if cell.runs("/bin/sh", "-c", "true"):
        raise ImageError("there is a shell after all: /bin/sh ran")
    if writable := cell.writable():
        raise ImageError(f"the image's user can write to {writable}")
    say("no shell can be run, and no path can be written to")
    with ControlPlane.start(ensure()) as plane:
        trial = Trial(plane, cell)
        try:
            trial.run(say)
        finally:
            trial.stop()


def _make_bases(engine: Buildah, folder: Path, mirror: str | None, say: Say) -> None:
    built, stripped = folder / "build-base", folder / "run-base"
    with _timed(say, f"making the bases out of Debian {base.SUITE}"):
        base.build_base(built, folder / "debootstrap.log", mirror)
        base.run_base(built, stripped)
        engine.bring_in(built, BUILD_BASE)
        engine.bring_in(stripped, RUN_BASE)


def _copy_context(context: Path) -> None:
    """The sources as they are now: someone may edit them between two builds, which must not make these differ."""
    context.mkdir()
    for name in CONTEXT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, context / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, context / name)


def _secrets() -> dict[str, Path]:
    """What this machine trusts: a proxy between it and the package registry may have an authority of its own."""
    bundle = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    return {"ca-certificates": Path(bundle)} if bundle and Path(bundle).is_file() else {}


def _look(root: Path, say: Say) -> None:
    """Tell sizes, and refuse what has no business in the image."""
    if found := tree.commands(root, tree.SHELLS | tree.TOOLS):
        raise ImageError(f"these have no business in the image: {found}")
    for depth, part in ((1, root), (2, root / "opt/leadergate")):
        for name, size in list(tree.sizes(part, depth).items())[:3]:
            say(f"  {size / 1e6:6.1f} MB  {part.relative_to(root) / name}")
    packages = root / f"opt/leadergate/lib/python{base.PYTHON}/site-packages"
    for name, size in list(tree.sizes(packages, 1).items())[:5]:
        say(f"  {size / 1e6:6.1f} MB  of which {name}")


@contextmanager
def _timed(say: Say, what: str) -> Iterator[None]:
    """Tell that it goes on, and how long it took."""
    began = time.monotonic()
    with ticking(say, lambda: what):
        yield
    say(f"{what} · {elapsed(time.monotonic() - began)}")


def _unfit() -> str:
    """Why nothing can be done on this machine, and the remedy; empty when it can."""
    if sys.platform != "linux":
        return "needs Linux: namespaces, and buildah"
    if os.geteuid() != 0:
        return "needs root: mounts, and user 65532. Run it as root, in a virtual machine or a privileged container"
    return missing()


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; 0 when the image is what it should be."""
    parser = argparse.ArgumentParser(
        prog="python -m leadergate_lab.image",
        description=__doc__,
        epilog="exit codes: 0 the image is what it should be, 1 it is not or something went wrong, 2 this machine"
        " lacks something",
    )
    parser.add_argument("--mirror", help="where debootstrap gets Debian from (default: its own)")
    parser.add_argument("more", nargs="*", help="after --: further flags of buildah bud, such as --secret")
    options = parser.parse_args(argv)
    if reason := _unfit():
        print(f"error: {reason}", file=sys.stderr)
        return 2
    if os.environ.pop(_APART, None) is None:
        # Mounts of ours and of debootstrap are gone with the process, whatever ends it.
        command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-m", "leadergate_lab.image"]
        os.environ[_APART] = "1"
        os.execvp(command[0], [*command, *(sys.argv[1:] if argv is None else argv)])  # noqa: S606 - no shell is wanted
    say = Console()
    scratch = Scratch()
    try:
        check(scratch.path, options.mirror, options.more, say)
    except (AssetError, ImageError, RuntimeError, TimeoutError) as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        scratch.remove()
    say("the image is what it should be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
