"""The command line of the demo, its signals and its exit codes."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from types import FrameType

from leadergate_lab.demo import leaders, opening
from leadergate_lab.demo.checking import check_alone
from leadergate_lab.demo.freeze import freeze
from leadergate_lab.demo.keep import tell_how_to_look
from leadergate_lab.demo.stage import Stage, explain
from leadergate_lab.demo.summary import Summary
from leadergate_lab.demo.verdict import close, tell
from leadergate_lab.demo.voice import Voice

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal asked us to end; not an Exception, so that nothing on the way takes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.number = number


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; returns its exit code."""
    options = _parser().parse_args(argv)
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    voice = Voice()
    with ExitStack() as ending:
        try:
            return _run(voice, ending, gated=options.gate == "on", keep=options.keep)
        except Interrupted as interruption:
            _ignore_signals()
            voice.say(f"{interruption}: stopping everything")
            return 128 + interruption.number
        finally:
            _ignore_signals()


def _run(voice: Voice, ending: ExitStack, *, gated: bool, keep: bool) -> int:
    stage: Stage | None = None
    try:
        stage = opening.control_plane(voice, ending)
        opening.cluster(stage, voice, ending, gated=gated)
        leaders.serve(stage, voice, ending)
        leaders.compete(stage, voice)
        leaders.kill(stage, voice)
        _tell_freeze(voice, gated=gated)
        was_stale = freeze(stage, voice)
        code = _judge(stage, voice, ending, was_stale=was_stale, keep=keep)
        if keep:
            tell_how_to_look(stage, voice, 8 if gated else 7)
    except Exception as error:
        # Whatever it is, a person reads this: what went wrong and the ends of the logs, and no trace.
        print(f"\nerror: {explain(error)}", file=sys.stderr)
        if stage is not None:
            print(stage.tails(), file=sys.stderr)
        return 1
    if keep:
        with suppress(Interrupted):
            threading.Event().wait()
        voice.say("stopping everything")
    return code


def _tell_freeze(voice: Voice, *, gated: bool) -> None:
    voice.step(
        5,
        "The leader is frozen, and thawed",
        "SIGSTOP to the process, and its packets stand still: a suspended VM, a swapping machine, a stalled network. It"
        " stands between its decision to write and the commit. "
        + (
            "A check in its own code would have said yes, and cannot be made again there. Only the one who commits can"
            " refuse."
            if gated
            else "Its own check has said yes, and nobody can make it again there."
        ),
    )


def _judge(stage: Stage, voice: Voice, ending: ExitStack, *, was_stale: bool, keep: bool) -> int:
    voice.step(
        6,
        "What the history says",
        "Every commit to the Lease and to the Redirects since the start, in etcd's own order, is judged by the checker"
        " that the tests use. All numbers come from that history, from the gate's records and from the API server's"
        " audit log.",
    )
    if not keep:
        with voice.doing("stopping the replicas", "stopped the replicas: nothing writes any more"):
            stage.stop_replicas()
    webhook = opening.gate_manifests()[-1]["webhooks"][0]["name"]
    summary = close(stage, webhook)
    tell(summary, voice, gated=stage.gated)
    alone = check_alone(stage, voice, ending, 7, webhook) if stage.gated else summary
    voice.blank()
    failures = _failures(summary, alone, gated=stage.gated, was_stale=was_stale)
    for failure in failures:
        voice.say(failure, style="bold red")
    if not failures and stage.gated:
        voice.say(
            "With the gate the promise was kept: no status was written by a Pod that did not hold the Lease.",
            "bold green",
        )
    if not failures:
        voice.say(
            f"With a check in the operator alone, stale overwrites: {alone.verdict.count('G2')}. Nobody had to do"
            " anything wrong for a newer leader's status to be replaced by an older one's."
            + ("" if stage.gated else " Run it with the gate: make demo"),
            "bold yellow",
        )
    return 1 if failures else 0


def _failures(summary: Summary, alone: Summary, *, gated: bool, was_stale: bool) -> list[str]:
    """What did not come out as this run had to show. ``alone`` is the history without a gate."""
    checks = [
        (was_stale, "The stale write of the thawed replica was not seen."),
        (alone.verdict.count("G2") > 0, "Without the gate no stale overwrite was counted in the history."),
    ]
    if gated:
        checks += [
            (summary.kept, "The promise was BROKEN: see the figures above."),
            (summary.rejected_as("former-holder") > 0, "No write of a former holder was rejected."),
        ]
    return [text for holds, text in checks if not holds]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m leadergate_lab.demo",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="""\
Show on a real API server that only the holder of a Lease can write status.

Starts etcd, kube-apiserver, the leadergate webhook and three replicas of the sample operator on loopback, all in a
temporary folder. Kills the leader, then freezes and thaws the next one with a status write under way, and judges the
whole history. Then the same freeze where no gate is and the operator checks by itself whether it leads.
Takes about a minute once the binaries are there. Ctrl-C ends it at any time and leaves nothing behind.""",
        epilog="""\
exit codes:
  0    with the gate the history keeps the promise; without it stale overwrites were shown and counted
  1    something failed, or the history came out otherwise
  130  interrupted (143 by SIGTERM)

make demo            is this command with --gate on
make demo GATE=off   is --gate off
make demo KEEP=1     is --keep""",
    )
    parser.add_argument(
        "--gate",
        choices=("on", "off"),
        default="on",
        help="off: the whole story without the gate, with the operator's own check alone (default: on)",
    )
    parser.add_argument(
        "--keep", action="store_true", help="at the end leave it all running until Ctrl-C and say how to look at it"
    )
    return parser


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(number)


def _ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
