"""One container of a Pod: a process that is started, probed, started again, and ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leadergate_lab.village import enclose
from leadergate_lab.village.journal import Journal
from leadergate_lab.village.podspec import ContainerPlan
from leadergate_lab.village.probes import cancel, watch
from leadergate_lab.village.status import ContainerState

# The kubelet begins with 10 s and goes up to five minutes; nobody would wait for that in a test.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
# One that ran for so long begins anew; the kubelet waits for ten minutes.
_WELL_SECONDS = 5.0


class Container:
    """Runs one container as ``spec`` tells ``enclose.py``, with its output in two files of ``logs``.

    Each run has a log of its own beside them, ``{name}.{run}.log``: of the run that goes on, or was the last one, it is
    ``current``, of the one before it ``previous``, as a kubelet keeps them. Exit codes are written to ``{name}.ends``,
    a JSON line each: those of a signal are 128 and its number.
    """

    def __init__(
        self,
        plan: ContainerPlan,
        address: str,
        spec: Mapping[str, Any],
        logs: Path,
        changed: Callable[[], None],
    ) -> None:
        self.plan = plan
        self.state = ContainerState(plan.name, plan.image)
        self._address, self._spec, self._logs, self._changed = address, spec, logs, changed
        self._process: asyncio.subprocess.Process | None = None
        self._ending = asyncio.Event()
        self.current: Journal | None = None
        self.previous: Journal | None = None
        self.begun = asyncio.Event()
        """Set when it has started for the first time, by its startup probe if it has one."""

    async def run(self) -> None:
        """Run it until it has ended for good."""
        pause = _FIRST_PAUSE
        loop = asyncio.get_running_loop()
        while not self._ending.is_set():
            begun = loop.time()
            code = await self._once()
            self._note(code)
            if loop.time() - begun > _WELL_SECONDS:
                pause = _FIRST_PAUSE
            again = self.plan.restart == "Always" or (self.plan.restart == "OnFailure" and code != 0)
            if self._ending.is_set() or not again:
                return
            self.state.step_back("CrashLoopBackOff")
            self.previous, self.current = self.current, None
            self._changed()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), pause)
                self.state.exit_code = code
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def end(self, grace: float) -> None:
        """The Pod's end: preStop, SIGTERM, and SIGKILL when the grace is over, which counts from now."""
        self._ending.set()
        process = self._process
        if process is None:
            return
        over = asyncio.get_running_loop().time() + grace
        if self.plan.pre_stop:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), min(self.plan.pre_stop, grace))
        await self._stop(process, over)

    def kill(self) -> None:
        """SIGKILL, at once."""
        self._ending.set()
        if self._process is not None:
            _signal_all(self._process.pid)

    async def _stop(self, process: asyncio.subprocess.Process, over: float) -> None:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), max(0.0, over - asyncio.get_running_loop().time()))
        except TimeoutError:
            _signal_all(process.pid)
            await process.wait()

    async def _once(self) -> int:
        file = self._logs / f"{self.plan.name}.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps({**self._spec, "parent": os.getpid()}))
        run = self.state.runs
        journal = Journal(self._logs / f"{self.plan.name}.{run}.log")
        stdout, stderr = _Pipe(), _Pipe()
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(enclose.__file__), str(file)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stdout.inner,
            stderr=stderr.inner,
            start_new_session=True,
        )
        (self._logs / f"{self.plan.name}.pid").write_text(str(process.pid))
        self.current = journal
        taking = [asyncio.create_task(self._take(journal, *one)) for one in (("stdout", stdout), ("stderr", stderr))]
        if self._ending.is_set():
            # Its end was asked for while it was being started, and nobody will ask again.
            _signal_all(process.pid)
        state = self.state
        state.begin(f"village://{self._logs.name.rpartition('_')[2]}-{self.plan.name}-{run}", datetime.now(UTC))
        state.started = self.plan.startup is None
        state.ready = state.started and self.plan.readiness is None
        self._tell_started()
        probing = asyncio.create_task(self._probe(process))
        code = await process.wait()
        await cancel(probing)
        # What it has left behind ends with it, as in a container.
        _signal_all(process.pid)
        await asyncio.gather(*taking)
        journal.ended = True
        self._process = None
        return code if code >= 0 else 128 - code

    async def _take(self, journal: Journal, stream: str, pipe: _Pipe) -> None:
        with (self._logs / f"{self.plan.name}.{stream}").open("ab") as raw:
            await journal.take(stream, await pipe.reader(), raw)

    async def _probe(self, process: asyncio.subprocess.Process) -> None:
        plan, state = self.plan, self.state
        if plan.startup is not None:
            begun: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

            def tell(good: bool) -> None:
                if not begun.done():
                    begun.set_result(good)

            starting = asyncio.create_task(watch(plan.startup, self._address, tell))
            try:
                good = await begun
            finally:
                await cancel(starting)
            if not good:
                await self._restart_unhealthy(process)
                return
            state.started = True
            state.ready = plan.readiness is None
            self._tell_started()
        unhealthy = asyncio.Event()

        def look(good: bool) -> None:
            if not good:
                unhealthy.set()

        watched = [(plan.readiness, self._set_ready), (plan.liveness, look)]
        tasks = [asyncio.create_task(watch(probe, self._address, told)) for probe, told in watched if probe is not None]
        try:
            await unhealthy.wait()
        finally:
            await cancel(*tasks)
        await self._restart_unhealthy(process)

    async def _restart_unhealthy(self, process: asyncio.subprocess.Process) -> None:
        if not self._ending.is_set():
            grace = float(self._spec["grace"])
            await self._stop(process, asyncio.get_running_loop().time() + grace)

    def _tell_started(self) -> None:
        if self.state.started:
            self.begun.set()
        self._changed()

    def _set_ready(self, ready: bool) -> None:
        if ready != self.state.ready:
            self.state.ready = ready
            self._changed()

    def _note(self, code: int) -> None:
        state = self.state
        now = datetime.now(UTC)
        state.end(code, now)
        with (self._logs / f"{self.plan.name}.ends").open("a") as ends:
            ends.write(json.dumps({"exit": code, "at": now.isoformat()}) + "\n")
        self._changed()


class _Pipe:
    """What a process writes to ``inner`` is read by ``reader``, until nobody has it open any more."""

    def __init__(self) -> None:
        self._outer, self.inner = os.pipe()

    async def reader(self) -> asyncio.StreamReader:
        """To be called once, when the process has been started."""
        os.close(self.inner)
        reader = asyncio.StreamReader()
        outer = os.fdopen(self._outer, "rb")
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), outer)
        return reader


def _signal_all(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
