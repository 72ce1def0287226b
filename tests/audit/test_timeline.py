"""The picture of a night: exact to the sign, at any width, with and without colour."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from leadergate.audit.cli import app
from leadergate.audit.reading import trail
from leadergate.audit.reading.filters import Filter
from leadergate.audit.telling.words import counted, length
from leadergate.audit.timeline.document import document
from leadergate.audit.timeline.legend import MOST_ROWS
from leadergate.audit.timeline.parts import Axis, Kind, Who
from leadergate.audit.timeline.query import Drawn, drawn
from leadergate.audit.timeline.text import ASCII, GUTTER, UNICODE, Signs, lines
from leadergate_lab.nights import night

from .conftest import Run
from .written import late, written

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OLD, NEW, IDLE = "op-a_0c1d", "op-b_5e6f", "op-c"


def at(seconds: float) -> str:
    """So many seconds after noon, as a record has it."""
    return (NOON + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def record(seconds: float, pod: str | None, holder: str | None, **fields: Any) -> dict[str, Any]:
    """One rejection of gate ``shop/op`` under ``holder``, who acquired the Lease where ``acquired`` says."""
    acquired, transitions = fields.pop("acquired", -600), fields.pop("transitions", 1)
    lease = {
        "holder": holder, "resourceVersion": str(1000 + int(seconds * 10)), "transitions": transitions,
        "acquireTime": at(acquired), "renewTime": at(seconds - 1), "durationSeconds": 15, "observedAge": 1.0,
        "expired": False,
    }  # fmt: skip
    lease |= fields.pop("lease", {})
    made = {
        "schema": "leadergate.dev/record/v1", "time": at(seconds), "verdict": "Deny", "reason": "NotHolder",
        "message": "no", "mode": "enforce", "gate": "shop/op", "uid": f"uid-{seconds}", "dryRun": False,
        "operation": "UPDATE",
        "resource": {"group": "g", "version": "v1", "resource": "things", "subresource": "status"},
        "namespace": "shop", "name": "thing-1",
        "requester": {
            "username": "system:serviceaccount:shop:op", "namespace": "shop", "serviceAccount": "op", "pod": pod,
            "podUid": "u", "node": "node-1",
        },
        "standing": "follower", "heldUntil": None, "lease": None if holder is None else lease, "latencyMs": 1.0,
        "webhookPod": "hook-1",
    }  # fmt: skip
    return made | fields


def small_night() -> list[dict[str, Any]]:
    """Two minutes: A leads; it falls silent and B takes over; A wakes up; an outage; a stranger."""
    late = {"standing": "former-holder", "heldUntil": at(60)}
    new = {"acquired": 60, "transitions": 2}
    told = [record(second, "op-c", OLD) for second in range(0, 40, 4)]
    told.append(record(56, "op-c", OLD, lease={"renewTime": at(38), "observedAge": 18.0, "expired": True}))
    told += [record(second, "op-c", NEW, **new) for second in range(62, 120, 4)]
    told += [record(70 + second, "op-a", NEW, **new, **late, name=f"thing-{second % 2}") for second in range(7)]
    blind = {"verdict": "Indeterminate", "reason": "LeaseUnreadable", "standing": None}
    told += [record(91.1 + second / 4, "op-b", None, **blind) for second in range(4)]
    stranger = {"requester": {"username": "ops", "namespace": None, "serviceAccount": None, "pod": None}}
    told.append(record(100, None, NEW, **new, **stranger, reason="NotServiceAccount", standing="stranger"))
    return sorted(told, key=lambda one: one["time"])


Draw = Callable[..., Drawn]


@pytest.fixture
def draw(tmp_path: Path) -> Iterable[Draw]:
    """Draws records, 80 columns wide unless told otherwise."""
    with trail.connect(tmp_path / "spill") as engine:

        def drawing(records: Iterable[dict[str, Any] | bytes], flt: Filter | None = None, width: int = 80) -> Drawn:
            raw = (one if isinstance(one, bytes) else json.dumps(one).encode() for one in records)
            return drawn(engine, trail.batch(raw), flt or Filter(), width - GUTTER)[0]

        yield drawing


def text(found: Drawn, width: int = 80, signs: Signs = UNICODE, *, buckets: bool = False) -> str:
    """The lines of a timeline without colour."""
    assert found.timeline is not None
    told = lines(found.timeline, width, signs, buckets=buckets)
    return "\n".join("".join(piece for piece, _ in line).rstrip() for line in told)


GOLDEN = """\
2026-03-01T12:00:00Z to 2026-03-01T12:01:58Z (1m 58s)
1 takeover, 12 rejections to look at
and 26 routine rejections of followers; --routine shows them by pod
marks: ▁ is 1, █ is 4 in 2.2s

shop/op (enforce)
  A  op-a_...  held it 53s
  B  op-b_...  held it 55s
  1  user ops  no service account
                          12:00:00     12:00:30      12:01:00      12:01:30
                          ╷            ╷             ╷             ╷
  Lease held by           A───────────────────────%%%B─────────────??B──────────
  takeovers                                          1
                          % not renewed, ? unreadable
! former holder A       7                                 ▇▅▅
x stranger 1            1                                              ▁
? cannot tell B         4                                          █
. routine              26 ▁▁ ▁ ▁ ▁ ▁▁ ▁ ▁ ▁        ▁  ▁ ▁ ▁▁ ▁ ▁ ▁ ▁ ▁▁ ▁ ▁ ▁ ▁▁
  12:00:53  A did not renew: the Lease had run out for 7.0s
  12:01:00  A → B   not renewed for 25 s: it had run out
    ! A kept writing: 7 writes, 12:01:10 to 12:01:16 (6.0s), 2 objects
      on: shop/thing-0 x4, shop/thing-1 x3
  12:01:31  the Lease could not be read for 2.9s"""


def test_a_small_night_exactly(draw: Draw) -> None:
    """Who held the Lease, who wrote late, the outage and the stranger: in one screen, sign by sign."""
    assert text(draw(small_night())) == GOLDEN


def test_the_same_in_ascii(draw: Draw) -> None:
    """Where the output can show nothing else, the picture is the same in other signs."""
    shown = text(draw(small_night()), signs=ASCII)
    assert shown.isascii()
    assert "  Lease held by           A-----------------------%%%B-------------??B----------" in shown
    assert "! former holder A       7                                 *++" in shown
    assert "A -> B" in shown


@pytest.mark.parametrize("width", [46, 80, 200])
def test_no_line_is_wider_than_asked(draw: Draw, width: int) -> None:
    """A night with every trouble, of gates with long names."""
    shown = text(draw(night(3000, gates=4), width=width), width).splitlines()
    if width >= 80:
        assert max(map(cell_len, shown)) <= width
    picture = [line for line in shown if re.match(r"[!x?*.-] |  Lease held|  takeovers", line)]
    assert picture
    assert max(map(cell_len, picture)) <= width


def test_routine_is_one_row_unless_asked_for(draw: Draw) -> None:
    """All followers together are counted, and --routine gives each its own row."""
    folded = draw(small_night()).timeline
    assert folded is not None
    assert [(row.who, row.rejections) for row in folded.stories[0].rows if row.kind is Kind.ROUTINE] == [(None, 26)]
    assert folded.left_out == 26
    shown = draw(small_night(), Filter(routine=True))
    assert shown.timeline is not None
    assert shown.timeline.left_out == 0
    assert [row.who.pod for row in shown.timeline.stories[0].rows if row.kind is Kind.ROUTINE and row.who] == ["op-c"]
    assert "--routine" not in text(shown)


def test_a_filter_narrows_the_rejections_and_not_the_holders(draw: Draw) -> None:
    """Who held the Lease is told by all records of the gate."""
    found = draw(small_night(), Filter(pod=("op-b",))).timeline
    assert found is not None
    (story,) = found.stories
    assert [(row.kind, row.rejections) for row in story.rows] == [(Kind.CANNOT_TELL, 4)]
    assert len(story.bands) == 5
    assert story.late == {}


def test_a_former_holder_is_found_after_the_takeover_it_lost(draw: Draw) -> None:
    """The record of a late write names the reign that it was under."""
    found = draw(small_night()).timeline
    assert found is not None
    (story,) = found.stories
    ((change, (late,)),) = story.late.items()
    assert change is not None
    assert (change, late.who.pod, late.writes, late.objects) == (story.takeovers[0], "op-a", 7, 2)
    assert late.most == (("shop/thing-0", 4), ("shop/thing-1", 3))


def test_late_writes_whose_takeover_was_before_the_records(draw: Draw) -> None:
    """They are told, and that the takeover is not among the records."""
    shown = text(draw(one for one in small_night() if one["time"] >= at(65)))
    assert "before this time  somebody else had taken over" in shown
    assert "kept writing: 7 writes" in shown


def test_a_gate_that_only_warns_lets_writes_through(draw: Draw) -> None:
    """The picture says that nothing was kept from being stored."""
    assert "shop/op (warn): writes went through" in text(draw(one | {"mode": "warn"} for one in small_night()))


def test_buckets_tell_the_counts_behind_the_marks(draw: Draw) -> None:
    """Each mark of each row, with its time."""
    shown = text(draw(small_night()), buckets=True)
    assert "  former holder, shop/op-a\n    2026-03-01T12:01:09Z         3\n" in shown


def test_allowed_writes_are_evidence_and_no_rejections(draw: Draw) -> None:
    """With --record-allowed the holder's own writes are records."""
    allowed = record(130, "op-b", NEW, acquired=60, transitions=2, verdict="Allow", reason="Holder", standing=None)
    before, after = draw(small_night()), draw([*small_night(), allowed])
    assert before.timeline is not None
    assert after.timeline is not None
    assert [row.rejections for row in after.timeline.stories[0].rows] == [7, 1, 4, 26]
    assert after.timeline.axis.end > before.timeline.axis.end


def test_many_pods_are_folded(draw: Draw) -> None:
    """Twelve rows of a gate are shown, and what the rest comes to."""
    pods = [record(second, f"op-{second:02d}", NEW, standing="former-holder", heldUntil=at(0)) for second in range(20)]
    shown = text(draw(pods)).splitlines()
    assert sum(line.startswith("! ") for line in shown) == 12
    assert "  and 8 more rows with 8 rejections" in shown


def test_many_events_are_folded_and_those_with_late_writes_are_kept(draw: Draw) -> None:
    """Thirty of a gate are told."""
    changes = [
        record(10 * number, "op-z", f"op-{number}", acquired=10 * number - 1, transitions=number)
        for number in range(50)
    ]
    late = record(492, "op-48", "op-49", acquired=489, transitions=49, standing="former-holder", heldUntil=at(490))
    shown = text(draw([*changes, late]))
    assert "  and 19 events more: narrow the time with --since and --until" in shown
    assert "kept writing: 1 write" in shown


HOSTILE = "evil\x1b[31m\nforged\u202e<script>"


def test_names_that_an_attacker_chose_are_harmless(draw: Draw) -> None:
    """Whatever is in a gate, a holder, an object or a user name: it stays on its line, as an escape."""
    hostile = [
        record(second, f"a{HOSTILE}", f"h{HOSTILE}", gate=f"g/{HOSTILE}", name=HOSTILE, namespace=HOSTILE, mode=HOSTILE,
               standing="former-holder", heldUntil=at(0),
               requester={"username": HOSTILE, "namespace": HOSTILE, "serviceAccount": HOSTILE, "pod": HOSTILE})
        for second in range(3)
    ]  # fmt: skip
    shown = text(draw(hostile), buckets=True)
    assert all(line.isprintable() for line in shown.splitlines())
    assert "forged" in shown
    assert not any(line.lstrip().startswith("forged") for line in shown.splitlines())


def test_one_record_is_a_picture_too(draw: Draw) -> None:
    """A second is the shortest time that is drawn."""
    shown = text(draw([record(0, "op-c", OLD)]))
    assert "  Lease held by           A──────" in shown


def test_nothing_in_the_time_asked_for(draw: Draw) -> None:
    """What the sources do hold is known all the same."""
    found = draw(small_night(), Filter(since=NOON + timedelta(days=1)))
    assert found.timeline is None
    assert (found.sources.records, found.sources.first) == (38, NOON)


def test_the_json_says_the_same(draw: Draw) -> None:
    """For programs: bands, takeovers with late writes, and each row with its buckets."""
    told = json.loads(document(draw(small_night())))
    (gate,) = told["gates"]
    assert told["sources"]["records"] == 38
    assert [(band["shown"], band["holder"]) for band in gate["lease"]] == [
        ("held", OLD), ("expired", OLD), ("held", NEW), ("unreadable", None), ("held", NEW),
    ]  # fmt: skip
    (change,) = gate["takeovers"]
    assert (change["at"], change["from"], change["to"]) == ("2026-03-01T12:01:00.000Z", OLD, NEW)
    assert change["late"][0]["most"][0] == {"object": "shop/thing-0", "writes": 4}
    gaps = [band for band in gate["lease"] if band["shown"] != "held"]
    late = sum(one["writes"] for event in (change, *gaps) for one in event["late"])
    assert late == sum(row["rejections"] for row in gate["rejections"] if row["kind"] == "former-holder")
    for row in gate["rejections"]:
        assert sum(bucket["rejections"] for bucket in row["buckets"]) == row["rejections"]


def test_the_names_of_a_crowd(run: Run) -> None:
    """Those alone that have a row in the picture are named: three hundred pods are no three hundred lines."""
    crowd = (late(at, requester_pod=f"operator-{at}") for at in range(1, 300))
    Path("a.jsonl").write_bytes(written(*crowd))
    lines = run("timeline", "a.jsonl").stdout.splitlines()
    assert sum("never held it" in line for line in lines) == MOST_ROWS
    assert len(lines) < 5 * MOST_ROWS


def test_nothing_in_json(draw: Draw) -> None:
    """An empty document has the same fields."""
    told = json.loads(document(draw([])))
    assert told["gates"] == []
    assert told["sources"] == {"records": 0, "first": None, "last": None}


@pytest.mark.parametrize(
    ("pod", "node", "holder", "named"),
    [
        ("op-1", None, "op-1", True),
        ("op-1", None, "op-1_uuid", True),
        ("op-1", None, "op-10_uuid", False),
        ("op-1", "node-7", "node-7", True),
        (None, None, "op-1", False),
    ],
)
def test_who_is_named_by_a_holder_identity(pod: str | None, node: str | None, holder: str, named: bool) -> None:
    """Names are cut at the first underscore and never compared by prefix."""
    assert Who("ns", "account", pod, "user", node).is_named_by(holder) is named


def test_a_suffix_is_believed_of_a_former_holder_alone(draw: Draw) -> None:
    """op-1 may have been holder as op-1-tail; a follower of that name is somebody else."""
    held = [record(0, "op-c", "op-1-tail"), record(10, "op-c", NEW, acquired=5, transitions=2)]
    new = {"acquired": 5, "transitions": 2}
    blind = record(11, "op-1", None, verdict="Indeterminate", reason="LeaseUnreadable", standing=None)
    late = record(12, "op-1", NEW, **new, standing="former-holder", heldUntil=at(5))
    assert "cannot tell 1" in text(draw([*held, blind]))
    assert "former holder A" in text(draw([*held, late]))


def test_columns_cover_the_axis() -> None:
    """The first and the last moment have the first and the last column, and what is beyond them too."""
    axis = Axis(NOON, NOON + timedelta(seconds=100), 10)
    moments = [-5, 0, 9.9, 10, 99, 100, 200]
    assert [axis.column(NOON + timedelta(seconds=one)) for one in moments] == [0, 0, 0, 1, 9, 9, 9]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.04, "0.0s"), (9.94, "9.9s"), (9.96, "10s"), (59.6, "1m"), (61, "1m 1s"), (3600, "1h"), (90_000, "1d 1h"),
     (-3, "-3.0s")],
)  # fmt: skip
def test_lengths_of_time(seconds: float, expected: str) -> None:
    """Two units at most."""
    assert length(timedelta(seconds=seconds)) == expected


def test_counts() -> None:
    """One is one, and thousands have commas."""
    assert (counted(1, "write"), counted(1200, "write"), counted(0, "write")) == ("1 write", "1,200 writes", "0 writes")


def command(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """``leadergate audit timeline`` as a user runs it, into a pipe."""
    return subprocess.run(
        [sys.executable, "-m", "leadergate", "audit", "timeline", *words],
        capture_output=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A file with the small night."""
    path = tmp_path / "night.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in small_night()))
    return path


def test_the_command_into_a_pipe(log: Path) -> None:
    """No colour, and ASCII where the encoding has nothing else."""
    plain = command(str(log), "--width", "80", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert (plain.returncode, plain.stderr) == (0, b"")
    assert plain.stdout.isascii()
    assert b"A-----" in plain.stdout


def test_the_command_refuses_widths(log: Path) -> None:
    """One line says what is expected, and the exit code is 2."""
    told = CliRunner().invoke(app, ["timeline", str(log), "--width", "10"])
    assert told.exit_code == 2
    assert "--width 10 is out of range; expected 46 to 400" in told.stderr


def test_the_command_with_nothing_to_draw(log: Path) -> None:
    """It says what the sources hold."""
    told = CliRunner().invoke(app, ["timeline", str(log), "--since", "2030-01-01"])
    assert told.exit_code == 0
    assert "nothing to draw" in told.stdout
    assert "38 records, 2026-03-01T12:00:00Z to 2026-03-01T12:01:58Z" in told.stdout


def test_the_command_in_colour(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets colours, unless NO_COLOR is set; without them the text is the same."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = CliRunner().invoke(app, ["timeline", str(log), "--width", "80"], color=True).stdout
    monkeypatch.setenv("NO_COLOR", "1")
    plain = CliRunner().invoke(app, ["timeline", str(log), "--width", "80"], color=True).stdout
    assert "\x1b[31m" in coloured
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    assert "\n".join(line.rstrip() for line in plain.splitlines()) == GOLDEN
