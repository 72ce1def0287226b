"""The laboratory's processes, with small Python programs in the place of servers."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from leadergate_lab.processes import ManagedProcess, ProcessDied, free_port, python_environment, wait_until

PATIENCE = 30.0
COUNTS = "import itertools, time\nfor n in itertools.count():\n    print(n, flush=True)\n    time.sleep(0.01)\n"
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\nsignal.pause()\n"
WAITS = "import signal\nprint('up', flush=True)\nsignal.pause()\n"

Launch = Callable[[str], ManagedProcess]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Starts Python programs, and ends them with the test."""
    started: list[ManagedProcess] = []

    def start(program: str) -> ManagedProcess:
        process = ManagedProcess(f"program-{len(started)}", [sys.executable, "-c", program], log_dir=tmp_path)
        started.append(process)
        process.start()
        return process

    yield start
    for process in started:
        process.kill()


def says(process: ManagedProcess, word: str) -> None:
    """Wait until it has printed a word."""
    process.wait_until(lambda: word in process.stdout_path.read_text(), what=f"it says {word}", timeout=PATIENCE)


def gone(pid: int) -> bool:
    """Whether no such process runs any more; one that nobody has collected yet is gone."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_output_goes_to_two_files(launch: Launch) -> None:
    """What it prints and what it complains of are kept apart, and the tail shows both."""
    process = launch("import sys\nprint('fine')\nprint('not fine', file=sys.stderr)")
    wait_until(lambda: not process.running, what="it ends", timeout=PATIENCE)
    assert process.stdout_path.read_text() == "fine\n"
    assert process.stderr_path.read_text() == "not fine\n"
    assert "fine" in process.tail()
    assert "not fine" in process.tail()
    assert process.returncode == 0


def test_the_tail_is_the_end_of_the_log(launch: Launch) -> None:
    """Of a long log only the last lines are shown."""
    process = launch("for n in range(100):\n    print(f'line {n}.')")
    wait_until(lambda: not process.running, what="it ends", timeout=PATIENCE)
    tail = process.tail(3)
    assert "line 97.\nline 98.\nline 99." in tail
    assert "line 96." not in tail


def test_a_process_that_dies_is_not_waited_for(launch: Launch) -> None:
    """The error names the process, its exit code and what was awaited, and shows the end of its log."""
    process = launch("import sys\nsys.exit('the disk is made of cheese')")
    with pytest.raises(ProcessDied, match=r"(?s)program-0 ended with 1 .*the moon rises.*made of cheese"):
        process.wait_until(lambda: False, what="the moon rises", timeout=PATIENCE)


def test_waiting_in_vain_ends(launch: Launch) -> None:
    """When the condition does not come true in time, the error shows what the process said so far."""
    process = launch(WAITS)
    says(process, "up")
    with pytest.raises(TimeoutError, match=r"(?s)program-0: .*the moon rises.*up"):
        process.wait_until(lambda: False, what="the moon rises", timeout=0.2)
    assert process.running


def test_stop_asks_first(launch: Launch) -> None:
    """SIGTERM ends it, and the exit code tells so."""
    process = launch(WAITS)
    says(process, "up")
    assert process.stop() == -signal.SIGTERM
    assert not process.running


def test_stop_insists(launch: Launch) -> None:
    """A process that ignores SIGTERM is killed after the time that it was given."""
    process = launch(STUBBORN)
    says(process, "deaf")
    assert process.stop(timeout=0.2) == -signal.SIGKILL


def test_stop_ends_a_frozen_process(launch: Launch) -> None:
    """SIGTERM would never be seen by a frozen process, so it is thawed for it."""
    process = launch(WAITS)
    says(process, "up")
    process.freeze()
    assert process.stop() == -signal.SIGTERM


def test_a_frozen_process_stands_still(launch: Launch) -> None:
    """Once frozen it says no more; thawed, it goes on where it was."""
    process = launch(COUNTS)
    says(process, "3\n")
    process.freeze()
    assert psutil.Process(process.pid).status() == psutil.STATUS_STOPPED
    assert process.running
    before = process.stdout_path.read_text()
    process.thaw()
    process.wait_until(lambda: process.stdout_path.read_text() != before, what="it goes on", timeout=PATIENCE)
    numbers = [int(line) for line in process.stdout_path.read_text().split("\n")[:-1]]
    assert numbers == list(range(len(numbers)))


def test_it_can_be_started_again(launch: Launch) -> None:
    """After its end, with the log going on in the same file; while it runs, it cannot."""
    process = launch(WAITS)
    says(process, "up")
    first = process.pid
    with pytest.raises(RuntimeError, match=f"program-0 runs already, as process {first}"):
        process.start()
    process.kill()
    process.start()
    says(process, "up\nup")
    assert process.pid != first


def test_a_missing_executable_is_named(tmp_path: Path) -> None:
    """The error comes from start itself and says what is not there."""
    process = ManagedProcess("ghost", ["/nowhere/ghost"], log_dir=tmp_path)
    with pytest.raises(FileNotFoundError, match="ghost: there is no executable /nowhere/ghost"):
        process.start()
    with pytest.raises(RuntimeError, match="ghost was not started"):
        _ = process.pid


def test_no_signal_is_ignored_in_it(launch: Launch) -> None:
    """What Python itself ignores, SIGPIPE above all, is not passed on to what it starts."""
    process = launch(WAITS)
    says(process, "up")
    bash = ManagedProcess(
        "ignored", ["/bin/sh", "-c", "grep SigIgn /proc/$$/status"], log_dir=process.stdout_path.parent
    )
    bash.start()
    wait_until(lambda: not bash.running, what="it ends", timeout=PATIENCE)
    assert int(bash.stdout_path.read_text().split()[1], 16) & (1 << (signal.SIGPIPE - 1)) == 0


def test_it_outlives_the_thread_that_started_it(launch: Launch) -> None:
    """A process started from a thread of short life runs on when that thread has ended."""
    started: list[ManagedProcess] = []
    thread = threading.Thread(target=lambda: started.append(launch(COUNTS)))
    thread.start()
    thread.join()
    process = started[0]
    says(process, "9\n")
    assert process.running


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_does_not_outlive_the_laboratory(tmp_path: Path, number: signal.Signals) -> None:
    """However the laboratory's process ends, its processes end with it, the frozen ones too."""
    program = f"""
import signal, sys
from pathlib import Path
from leadergate_lab.processes import ManagedProcess
for name in ("running", "frozen"):
    process = ManagedProcess(name, [sys.executable, "-c", {WAITS!r}], log_dir=Path({str(tmp_path)!r}))
    process.start()
    process.wait_until(lambda: process.stdout_path.read_text() == "up\\n", what="up", timeout={PATIENCE})
    if name == "frozen":
        process.freeze()
    print(process.pid, flush=True)
signal.pause()
"""
    laboratory = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with laboratory:
        assert laboratory.stdout is not None
        pids = [int(laboratory.stdout.readline()) for _ in range(2)]
        try:
            assert not any(gone(pid) for pid in pids)
            laboratory.send_signal(number)
            laboratory.wait(PATIENCE)
            wait_until(lambda: all(gone(pid) for pid in pids), what="its processes end", timeout=PATIENCE)
        finally:
            laboratory.kill()
            for pid in pids:
                if not gone(pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)


def test_ports_are_handed_out_once() -> None:
    """No two callers get the same port, even if nobody listens on it yet."""
    ports = [free_port() for _ in range(200)]
    assert len(set(ports)) == len(ports)


def test_processes_side_by_side_never_get_the_same_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Test workers each have a share of the ports, so none takes what another is about to listen on."""
    shares = []
    for worker in ("gw0", "gw1", "gw2"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "3")
        shares.append({free_port() // 2 % 3 for _ in range(30)})
    assert shares == [{0}, {1}, {2}]


def test_settings_of_the_webhook_are_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache's variable, for one, looks like a setting that the webhook does not know and therefore refuses."""
    monkeypatch.setenv("LEADERGATE_CACHE", "/somewhere")
    environment = python_environment(LEADERGATE_POD_NAME="webhook-0")
    assert "LEADERGATE_CACHE" not in environment
    assert environment["LEADERGATE_POD_NAME"] == "webhook-0"
