"""What has been read of one container's log, so that reading can go on after it: nothing twice, nothing left out.

The API takes a moment in whole seconds to begin with, so that reading on brings lines that are known already. A log
only grows at its end and its lines keep their times, so those are the very same bytes in the same order, and what
follows the line that was read last is new. Where that line is not there, the log was cut in between (rotation), or is
another container's. Lines of the two streams of a container may be out of order by a little, and many are around a step
of the node's clock, which is why more is asked for than what is new. Pure.
"""

from __future__ import annotations

from collections import Counter, deque

from leadergate.audit.cluster.logs import SECOND, WHOLE, Begin, Stamped

_MARGIN = 2 * SECOND
_STEP = 60 * SECOND
"""How far a node's clock may be set back between two readings, so that what is written then is still asked for."""


class Seen:
    """The last line, and those within two seconds before it. Lines without a time are not kept."""

    def __init__(self) -> None:
        self.last: Stamped | None = None
        self._recent: deque[tuple[int, bytes]] = deque()
        self._since: int | None = None
        self._latest = 0

    def add(self, line: Stamped) -> None:
        """It has been handed on."""
        if line.nanos is None:
            return
        self.last = line
        self._latest = max(self._latest, line.nanos)
        self._since = (line.nanos - _MARGIN) // SECOND * SECOND
        self._recent.append((line.nanos, line.raw))
        while self._recent[0][0] < self._since:
            self._recent.popleft()

    def begin(self, otherwise: Begin = WHOLE) -> Begin:
        """From where on to read on; ``otherwise`` when nothing has been seen."""
        if self._since is None:
            return otherwise
        # Where the last line will tell what is new, more can be asked for than is known.
        return Begin(nanos=self._since if self.last is None else self._since - _STEP)

    def resume(self) -> Resumption:
        """Tells new lines of the next reading."""
        known = Counter(raw for _, raw in self._recent)
        return Resumption(known, self.last.raw if self.last else None, self._latest + _MARGIN)

    def let_go(self) -> None:
        """Do not expect the last line to be there any more. Those that are known are still left out."""
        self.last = None


class Resumption:
    """One more reading of a log.

    ``anchored`` once it is sure to go on where the last one ended; ``cut`` when a line came that is later than any that
    was read, and the one that was read last did not. ``unsure``: lines came before that one which are not known.
    """

    def __init__(self, known: Counter[bytes], last: bytes | None, latest: int) -> None:
        self._known, self._last, self._latest = known, last, latest
        self.anchored = last is None
        self.unsure = self.cut = False

    def is_new(self, line: Stamped) -> bool:
        """Whether a line, which comes next, was not there before."""
        if line.raw == self._last:
            self.anchored = True
        if self._known.get(line.raw, 0):
            self._known[line.raw] -= 1
            return False
        if not self.anchored:
            self.unsure = True
            self.cut = self.cut or (line.nanos is not None and line.nanos > self._latest)
        return self.anchored
