"""What goes wrong in a village."""

from __future__ import annotations

from collections.abc import Sequence

from leadergate_lab.errors import AssetError


class NoVillage(AssetError):
    """This system does not let us make namespaces; the message has the remedy."""


class Unsupported(ValueError):
    """A Pod asks for what the village's node cannot do; ``faults`` are the fields, one line each."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


class NotYet(Exception):
    """Something that a Pod needs is not there yet: a Secret, a ConfigMap. It is tried again."""
