"""The demo as a person runs it: what it tells, what it exits with, and what it leaves behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from leadergate_lab.assets import Assets

STEPS = [
    "0. A real Kubernetes API server",
    "1. The operator's kind and rights",
    "2. Three replicas of the operator",
    "3. Everyone writes",
    "4. The leader is killed",
    "5. The leader is frozen, and thawed",
    "6. What the history says",
]
HISTORY = STEPS[-1]
ALONE = "7. The same freeze, with a check in the operator alone"
PATIENCE = 240.0


def start(folder: Path, *options: str, **variables: str) -> subprocess.Popen[str]:
    """Start the demo with its temporary files in ``folder``."""
    return subprocess.Popen(
        [sys.executable, "-m", "leadergate_lab.demo", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(folder), **variables},
    )


def run(folder: Path, *options: str, **variables: str) -> tuple[int, str, str]:
    """Run it to its end: exit code, standard output, standard error."""
    with start(folder, *options, **variables) as demo:
        try:
            output, errors = demo.communicate(timeout=PATIENCE)
        finally:
            demo.terminate()
    return demo.returncode, output, errors


@dataclass(frozen=True)
class Ended:
    """A demo that has come to its end, and the folder of its temporary files."""

    code: int
    output: str
    errors: str
    folder: Path


@pytest.fixture(scope="module")
def ended(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Ended]:
    """The story with the gate, which is the default, and without it; both at the same time, since they mostly wait."""
    stories: dict[str, tuple[str, ...]] = {"on": (), "off": ("--gate", "off")}

    def told(gate: str) -> Ended:
        folder = tmp_path_factory.mktemp(gate)
        return Ended(*run(folder, *stories[gate]), folder)

    with ThreadPoolExecutor() as pool:
        return dict(zip(stories, pool.map(told, stories), strict=True))


def section(output: str, title: str) -> str:
    """What is told from that title to the next one."""
    told = output[output.index(title) :]
    following = re.search(r"^\d\. ", told[len(title) :], re.MULTILINE)
    return told[: len(title) + following.start()] if following else told


def figures(output: str, title: str = HISTORY) -> dict[str, int]:
    """The numbers below the tables of a step, by what stands before them."""
    told = section(output, title)
    return {text: int(number) for text, number in re.findall(r"^ {11}(\S.*?) {2,}(\d+)$", told, re.MULTILINE)}


def by_pod(output: str) -> dict[str, list[int]]:
    """The table of the history: by pod the accepted writes, then the rejected ones by standing."""
    rows = re.findall(r"^ {11}(redirect-operator-\d|all)((?: +\d+)+)$", section(output, HISTORY), re.MULTILINE)
    return {pod: [int(number) for number in numbers.split()] for pod, numbers in rows}


def columns(rows: Mapping[str, list[int]]) -> list[int]:
    """The sums over all pods."""
    return [sum(column) for column in zip(*(row for pod, row in rows.items() if pod != "all"), strict=True)]


def test_with_the_gate_the_promise_is_kept(ended: Mapping[str, Ended]) -> None:
    """Every step is told, the stale write is rejected, the numbers agree; then a check alone lets one through."""
    demo = ended["on"]
    output = demo.output
    assert (demo.code, demo.errors) == (0, ""), output
    at = [output.index(step) for step in [*STEPS, ALONE]]
    assert at == sorted(at)
    assert output.count("302     https://") == 9
    assert output.count("takeover: ") >= 3
    frozen = section(output, STEPS[5])
    assert '"event": "status_write_begins", "redirect": "docs", "generation": 1, "leading": true' in frozen
    assert "wrote the status of generation 1, which is stale: REJECTED" in frozen
    assert "by its own log, at level info" in frozen
    assert '>   "standing": "former-holder"' in frozen
    assert "says that it does not lead" in frozen
    assert "the status as stored: observedGeneration 2" in frozen
    rows, told = by_pod(output), figures(output)
    assert rows["all"] == columns(rows)
    accepted, *rejected = rows["all"]
    assert told.pop("status writes committed") == accepted > 0
    assert told.pop("status writes rejected: in the API server's audit log and on the gate's record") == sum(rejected)
    follower, former_holder, stranger = rejected
    assert follower > 0
    assert former_holder > 0
    assert stranger == 0
    assert told.pop("takeovers") >= 2
    assert told.pop("further denials: the API server asked once more within a write") >= 0
    assert set(told.values()) == {0}
    assert {text.partition(":")[0] for text in told} >= {"G1", "G2", "G4"}
    shows_a_stale_overwrite(output, ALONE, ALONE)
    assert "With the gate the promise was kept" in output
    assert [*demo.folder.iterdir()] == []


def shows_a_stale_overwrite(output: str, act: str, history: str) -> None:
    """The leader had checked, was frozen, and overwrote; the history has counted that."""
    frozen = section(output, act)
    assert '"event": "status_write_begins", "redirect": "docs", "generation": 1, "leading": true' in frozen
    assert "was ACCEPTED: a stale overwrite, though it had checked that it leads" in frozen
    before, after = re.findall(r"observedGeneration +(\d+) +(\d+)$", frozen, re.MULTILINE)[-1]
    assert int(after) < int(before)
    told = figures(output, history)
    assert told["G1: status writes by a Pod that did not hold the Lease"] > 0
    assert told["G2: stale overwrites, where an older holder replaced a newer one's status"] > 0
    assert told["statuses taken back to an older generation"] > 0
    assert "With a check in the operator alone, stale overwrites: " in output


def test_without_the_gate_stale_overwrites_are_shown(ended: Mapping[str, Ended]) -> None:
    """Each replica checks whether it leads, the stale write goes through all the same, and the breaches are counted."""
    demo = ended["off"]
    output = demo.output
    assert (demo.code, demo.errors) == (0, ""), output
    at = [output.index(step) for step in STEPS if step != STEPS[3]]
    assert at == sorted(at)
    assert "3. The leader writes" in output
    assert ALONE not in output
    shows_a_stale_overwrite(output, STEPS[5], HISTORY)
    assert "Run it with the gate: make demo" in output
    rows, told = by_pod(output), figures(output)
    assert rows["all"] == columns(rows) == [told["status writes committed"]]
    assert told["takeovers"] >= 2
    assert [*demo.folder.iterdir()] == []


@pytest.mark.parametrize(
    ("moment", "number", "expected"),
    [("kubectl are there", signal.SIGTERM, 143), (STEPS[2], signal.SIGINT, 130)],
    ids=["SIGTERM-at-the-start", "SIGINT-in-the-middle"],
)
def test_a_signal_leaves_nothing_behind(
    assets: Assets, tmp_path: Path, moment: str, number: signal.Signals, expected: int
) -> None:
    """No process, no file, no trace: it says that it was interrupted, and the exit code does too."""
    with start(tmp_path) as demo:
        try:
            assert demo.stdout is not None
            assert demo.stderr is not None
            assert any(moment in line for line in demo.stdout)
            running = psutil.Process(demo.pid)
            while not (children := running.children(recursive=True)):
                assert demo.poll() is None
            demo.send_signal(number)
            rest, errors = demo.stdout.read(), demo.stderr.read()
            assert demo.wait(PATIENCE) == expected
        finally:
            demo.terminate()
    assert f"interrupted by {number.name}" in rest
    assert errors == ""
    assert [child for child in children if child.is_running()] == []
    assert [*tmp_path.iterdir()] == []


def test_a_failure_is_told_in_words(tmp_path: Path) -> None:
    """Without the binaries: exit code 1, what is missing and the remedy, no trace."""
    code, _, errors = run(tmp_path, KUBEBUILDER_ASSETS=str(tmp_path))
    assert code == 1
    assert errors.startswith(f"\nerror: KUBEBUILDER_ASSETS is {tmp_path}, which holds no executable")
    assert "Traceback" not in errors


def test_help_teaches(tmp_path: Path) -> None:
    """It says what happens, how long it takes, how to end it and what the exit codes mean."""
    code, output, _ = run(tmp_path, "--help")
    assert code == 0
    for taught in ("make demo GATE=off", "make demo KEEP=1", "Ctrl-C", "exit codes", "130"):
        assert taught in output


def test_a_wrong_option_is_named(tmp_path: Path) -> None:
    """Exit code 2, the value and what was expected."""
    code, _, errors = run(tmp_path, "--gate", "ajar")
    assert code == 2
    assert "ajar" in errors
    assert "on" in errors
