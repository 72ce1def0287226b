"""Measure what the gate does to operators that know nothing of it: ``python -m leadergate_lab.interop.measure``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from leadergate_lab.assets import AssetError, ensure
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.interop.catalogue import OPERATORS
from leadergate_lab.interop.fleet import Fleet
from leadergate_lab.interop.operators import Operator, Timings
from leadergate_lab.interop.outage import Outage, outage
from leadergate_lab.interop.place import SETTINGS, Setting
from leadergate_lab.interop.programs import binaries
from leadergate_lab.interop.thaw import Thaw, thaw

SHOWN = 320


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for, and print a table of it."""
    parser = argparse.ArgumentParser(
        prog="python -m leadergate_lab.interop.measure",
        description="Run three replicas of each operator under a gate on a real API server, and measure what that does"
        " to them. 'outage': the leader is killed, all specs change, and a follower takes over when the Lease has"
        " expired. 'thaw': the leader is frozen, another takes over, and it is thawed.",
    )
    parser.add_argument("scenario", choices=["outage", "thaw"])
    parser.add_argument("--operator", action="append", choices=list(OPERATORS), help="again for more; default: all")
    parser.add_argument("--setting", action="append", choices=list(SETTINGS), help="again for more; default: plain")
    parser.add_argument("--objects", type=int, default=200)
    parser.add_argument("--lease", type=float, default=15, help="Lease duration in seconds; default: 15, client-go's")
    parser.add_argument("--lived", type=float, default=0, help="seconds that the replicas run before the outage")
    parser.add_argument("--patience", type=float, default=60, help="seconds to wait for statuses after the takeover")
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args(argv)
    chosen = asked.operator or list(OPERATORS)
    settings = [SETTINGS[name] for name in asked.setting or ["plain"]]
    timings = Timings(asked.lease, asked.lease * 2 / 3, asked.lease * 2 / 15)
    try:
        assets, built = ensure(), binaries()
    except AssetError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 1
    print(f"{asked.objects} objects, 3 replicas, Lease of {asked.lease:g} s\n")
    print(OUTAGE_HEAD if asked.scenario == "outage" else THAW_HEAD)
    lines: dict[str, str] = {}
    for operator in (OPERATORS[name](built) for name in chosen):
        for setting in settings:
            for number in range(1, asked.rounds + 1):
                print(f"{operator.name}, {setting.name}: round {number} of {asked.rounds}", file=sys.stderr)
                with ControlPlane.start(assets) as plane, _fleet(plane, operator, asked, timings, setting) as fleet:
                    if asked.scenario == "thaw":
                        print(thaw_row(operator, thaw(fleet)), flush=True)
                    else:
                        seen = outage(fleet, lived=asked.lived, patience=asked.patience)
                        lines[f"{operator.name}, {setting.name}"] = seen.logged
                        print(outage_row(operator, setting, seen), flush=True)
                    broken = fleet.judged().findings
                    if broken:
                        print(f"error: {broken[0].promise}: {broken[0].text}", file=sys.stderr)
                        return 1
    for name, line in lines.items():
        if not line:
            continue
        print(f"\nA rejection in the log of {name}:\n    {line[:SHOWN]}{'…' if len(line) > SHOWN else ''}")
    return 0


@contextmanager
def _fleet(
    plane: ControlPlane, operator: Operator, asked: argparse.Namespace, timings: Timings, setting: Setting
) -> Iterator[Fleet]:
    with Fleet.running(plane, operator, objects=asked.objects, timings=timings, setting=setting) as fleet:
        yield fleet


OUTAGE_HEAD = (
    "| operator | gate | replicas ran | nobody led | rejections of the successor, an object | in the outage"
    " | log of one rejection | statuses right after the takeover: half | all |\n|---|---|---|---|---|---|---|---|---|"
)
THAW_HEAD = "| operator | stale writes, all rejected | ended | after | last line |\n|---|---|---|---|---|"


def outage_row(operator: Operator, setting: Setting, seen: Outage) -> str:
    """A row of the table for people."""
    half = f"{seen.right[seen.objects // 2]:.1f} s" if len(seen.right) > seen.objects // 2 else "not yet"
    every = f"{seen.last:.1f} s" if seen.all_right else f"{len(seen.right)} of {seen.objects}"
    log = "none"
    if seen.rejections:
        log = f"{seen.log_lines / seen.rejections:.1f} lines, {seen.log_bytes / seen.rejections:,.0f} bytes"
    cells = [
        operator.name,
        setting.name,
        f"{seen.lived:.0f} s",
        f"{seen.until_takeover:.1f} s",
        f"{seen.rejections / seen.objects:.1f}",
        f"{seen.in_outage / seen.objects:.1f}",
        log,
        half,
        every,
    ]
    return f"| {' | '.join(cells)} |"


def thaw_row(operator: Operator, seen: Thaw) -> str:
    """A row of the table for people."""
    ended = "still runs" if seen.exit_code is None else f"exit code {seen.exit_code}"
    return f"| {operator.name} | {seen.rejected} | {ended} | {seen.exit_seconds:.2f} s | `{seen.last_line[:120]}` |"


if __name__ == "__main__":
    sys.exit(main())
