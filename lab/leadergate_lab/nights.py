"""A believable night as records: what a webhook of two replicas writes while gates have their troubles.

The verdicts and messages are those of ``leadergate.decision``, the standings those of ``leadergate.history``. What
differs from record to record of one kind is filled into its encoded shape, so that millions take seconds.

    python -m leadergate_lab.nights --records 1000000 FILE
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

from leadergate_lab.night_scenes import Part, Scene, scenes
from leadergate_lab.night_script import RENEWS_EVERY, Play, Stretch, plays
from leadergate_lab.night_shapes import Shape, shape

START = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)

_MICRO = 1_000_000
_RENEWS_EVERY = round(RENEWS_EVERY * _MICRO)
_CHUNK = 50_000
# Revisions are counted over all of etcd, whose other writes come between those of a Lease.
_FIRST_VERSION, _MICROS_A_VERSION = 48_210_000, 55_000


def night(records: int, *, seed: int = 1, gates: int = 2, pods: int = 3, start: datetime = START) -> Iterator[bytes]:
    """The lines of one night of eight hours, ``records`` in number, the same for the same seed, times increasing.

    Raises ValueError where there would be nobody to reject: no gate, or fewer than two pods.
    """
    if gates < 1 or pods < 2:
        raise ValueError(f"a night needs at least 1 gate and 2 pods, not {gates} and {pods}")
    chance = random.Random(seed)  # noqa: S311 - a night is to be the same each time
    cast = plays(chance, gates, pods)
    whole = scenes(cast, start)
    total = sum(scene.expected for scene in whole)
    told, owed = 0, 0.0
    for scene in whole:
        owed += scene.expected * records / total
        count = round(owed) - told
        told += count
        yield from _Stage(scene, cast, chance, start).lines(count)


class _Stage:
    """Plays one scene."""

    def __init__(self, scene: Scene, cast: list[Play], chance: random.Random, start: datetime) -> None:
        self._scene = scene
        self._cast = cast
        self._chance = chance
        self._start = start
        self._shapes: dict[tuple[int, int, int, int], Shape] = {}
        self._renewals: dict[int, tuple[int, int, bytes]] = {}

    def lines(self, count: int) -> Iterator[bytes]:
        """So many records, spread over the scene."""
        scene, chance, shapes, renewals = self._scene, self._chance, self._shapes, self._renewals
        cumulative = list(accumulate(part.weight for part in scene.parts))
        objects = [len(self._cast[part.gate].objects) for part in scene.parts]
        places = range(len(scene.parts))
        second, prefix = -1, b""
        for first in range(0, count, _CHUNK):
            chosen = chance.choices(places, cum_weights=cumulative, k=min(_CHUNK, count - first))
            for number, place in enumerate(chosen, first):
                bits = chance.getrandbits(128)
                # Each has its own slot of time, and a place within it.
                at = scene.begin + ((number << 8 | bits & 0xFF) * scene.span) // (count << 8)
                part = scene.parts[place]
                webhook = bits >> 8 & 1
                stretch = scene.stretches[part.gate]
                age = at - renewed(stretch, at)
                aged = -(-age * 10 // _MICRO) if stretch.renewed is not None else 0
                key = (place, (bits >> 9 & 0xFFFF) * objects[place] >> 16, webhook, aged)
                form = shapes.get(key)
                if form is None:
                    form = shapes[key] = self._shape(part, key[1], webhook, aged)
                if at // _MICRO != second:
                    second = at // _MICRO
                    now = (self._start + timedelta(seconds=second)).astimezone(UTC)
                    prefix = now.strftime("%Y-%m-%dT%H:%M:%S.").encode()
                uid = _UID % (
                    bits >> 96, bits >> 80 & 0xFFFF, bits >> 68 & 0xFFF, bits >> 56 & 0xFFF, bits & 0xFFFFFFFFFFFF
                )  # fmt: skip
                latency = 0.8 + (bits >> 40 & 0xFFF) ** 4 / 2e13
                if not form.lease:
                    yield form.text % (prefix, at % _MICRO, uid, latency)
                    continue
                renewal = renewals.get(part.gate)
                if renewal is None or renewal[0] != at - age:
                    renewal = renewals[part.gate] = self._renewal(at - age)
                yield form.text % (prefix, at % _MICRO, uid, renewal[1], renewal[2], age / _MICRO, latency)

    def _shape(self, part: Part, thing: int, webhook: int, aged: int) -> Shape:
        scene = self._scene
        return shape(self._cast[part.gate], scene.stretches[part.gate], part, thing, webhook, aged / 10, self._start)

    def _renewal(self, at: int) -> tuple[int, int, bytes]:
        moment = (self._start + timedelta(microseconds=at)).astimezone(UTC)
        return at, _FIRST_VERSION + at // _MICROS_A_VERSION, moment.isoformat().replace("+00:00", "Z").encode()


_UID = b"%08x-%04x-4%03x-a%03x-%012x"


def renewed(stretch: Stretch, at: int) -> int:
    """When the Lease was last renewed at a moment of its stretch, both in microseconds of the night."""
    if stretch.renewed is not None:
        return round(stretch.renewed * _MICRO)
    begin = round(stretch.start * _MICRO)
    return at - (at - begin) % _RENEWS_EVERY


def main() -> None:
    """Write a night to a file, or to standard output."""
    parser = argparse.ArgumentParser(prog="python -m leadergate_lab.nights", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", type=Path, nargs="?", help="where to; standard output without it")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gates", type=int, default=2)
    parser.add_argument("--pods", type=int, default=3)
    asked = parser.parse_args()
    lines = night(asked.records, seed=asked.seed, gates=asked.gates, pods=asked.pods)
    if asked.file is None:
        sys.stdout.buffer.writelines(lines)
        return
    with asked.file.open("wb") as file:
        file.writelines(lines)


if __name__ == "__main__":
    main()
