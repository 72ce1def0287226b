"""What the browser loads: the page's own files, and the plotting package's script as it is installed."""

from __future__ import annotations

import hashlib
import re
from importlib import resources
from typing import NamedTuple

_MAP_STYLE = re.compile(rb'getElementById\("([0-9a-f]{64})"\)')
"""How the plotting package's maps, which are not used here, look whether their style element is there already. Finding
an element of that id, they add none, and the policy needs no exception for it."""
_STYLED = b"<!-- styled -->\n"
_PLOTTING = b'data-script="plotly.js"'
_TYPES = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
    "ico": "image/svg+xml",
}


class Asset(NamedTuple):
    """``lasting``: its name tells its content, so that a browser may keep it."""

    content: bytes
    media_type: str
    lasting: bool = False


def assets() -> dict[str, Asset]:
    """By the names that the page calls them."""
    own = resources.files("leadergate.audit.page").joinpath("static")
    files = {one.name: one.read_bytes() for one in own.iterdir()}
    # What browsers ask for by themselves, wherever they are.
    files["favicon.ico"] = files["mark.svg"]
    plotting = resources.files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    name = f"plotly-{hashlib.sha256(plotting).hexdigest()[:16]}.js"
    styled = b"".join(b'<meta id="%s">\n' % one for one in sorted(set(_MAP_STYLE.findall(plotting))))
    index = files["index.html"].replace(_STYLED, styled)
    files["index.html"] = index.replace(_PLOTTING, b'data-script="/%s"' % name.encode())
    found = {name: Asset(content, _TYPES[name.rpartition(".")[2]]) for name, content in files.items()}
    return {**found, name: Asset(plotting, _TYPES["js"], lasting=True)}
