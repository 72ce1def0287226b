"""The one error of getting the control plane's binaries."""

from __future__ import annotations


class AssetError(Exception):
    """The binaries cannot be had. The message names what is missing and the remedy; it is meant for people."""
