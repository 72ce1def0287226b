"""What is shown: the records that were read, who held the Leases by them, and what was read from where."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from leadergate import __version__
from leadergate.audit.holders.bands import Band, Held
from leadergate.audit.holders.seen import all_bands
from leadergate.audit.holders.takeovers import Takeover, takeovers
from leadergate.audit.page.store import RECORDS, Store
from leadergate.audit.reading.filters import Filter
from leadergate.audit.reading.tally import Tally

_PAUSE = 10
"""So many times as long as it took to tell who held the Leases, they stay as they were told."""


class Leases(NamedTuple):
    """Who held which Lease when, as far as all the records tell, whatever is filtered."""

    bands: list[Band]
    takeovers: list[Takeover]
    colours: dict[str, int]
    """A number for each holder, in the order of their first time."""


class View:
    """The state of the page: all but the tally changes where records are followed."""

    def __init__(self, store: Store, names: Sequence[str], tally: Tally, *, follows: bool) -> None:
        self.store = store
        self.fault: str | None = None
        """Why following has ended before its time."""
        self._names = list(names)
        self.tally = tally
        self._follows = follows
        self._started = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._leases = Leases([], [], {})
        self._known = -1
        self._next = 0.0

    def leases(self) -> Leases:
        """Told anew when there are more records, though not so often that nothing else is done."""
        with self._lock:
            records, began = self.store.records, time.monotonic()
            if self._known != records and began >= self._next:
                with self.store.cursor() as cursor:
                    bands = all_bands(cursor, RECORDS, Filter(routine=True))
                held = sorted((one for one in bands if isinstance(one, Held)), key=lambda one: (one.gate, one.since))
                colours = {name: place for place, name in enumerate(dict.fromkeys(one.holder for one in held))}
                self._leases = Leases(bands, takeovers(bands), colours)
                self._known = records
                self._next = began + _PAUSE * (time.monotonic() - began)
            return self._leases

    def told(self) -> dict[str, Any]:
        """Where the records come from, and what stood among them."""
        return {
            "version": __version__,
            "started": self._started,
            "files": self._names,
            "records": self.store.records,
            "foreign": self.tally.foreign,
            "bad": self.tally.bad,
            "first_bad": [one._asdict() for one in self.tally.first],
            "unfinished": self.tally.unfinished,
            "gaps": self.tally.gaps,
            "follows": self._follows,
            "fault": self.fault,
        }
