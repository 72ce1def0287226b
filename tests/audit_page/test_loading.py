"""What the browser loads, and when: the plotting script last, and only once."""

from __future__ import annotations

import gzip
import hashlib
import re
from importlib import resources

from .served import Page
from .visitor import Visitor


def _plotting(page: Page) -> str:
    found = re.search(rb'data-script="(/plotly-[0-9a-f]{16}\.js)"', page.asked("/")[2])
    assert found
    return found.group(1).decode()


def test_plotting_script_is_kept(page: Page) -> None:
    """It is the package's own, under a name that tells its content, so that the browser may keep it."""
    path = _plotting(page)
    status, headers, body = page.asked(path)
    assert status == 200
    assert body == resources.files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    assert path == f"/plotly-{hashlib.sha256(body).hexdigest()[:16]}.js"
    assert headers["cache-control"] == "private, max-age=31536000, immutable"
    assert "content-encoding" not in headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert page.asked("/plotly.js")[0] == 404


def test_plotting_script_is_packed(page: Page) -> None:
    """Whoever takes gzip is sent a third of it, which matters through a tunnel."""
    path = _plotting(page)
    whole = page.asked(path)[2]
    _, headers, body = page.asked(path, headers={"Accept-Encoding": "gzip, deflate"})
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == "Accept-Encoding"
    assert len(body) < len(whole) / 3
    assert gzip.decompress(body) == whole


def test_plot_waits_for_what_is_read_first(visitor: Visitor) -> None:
    """The plotting script is asked for after the sentence, the figures and the table have their answers."""
    visitor.opens()
    begun, answered = visitor.run(
        "const all = performance.getEntriesByType('resource');"
        "const of = (part) => all.find((one) => one.name.includes(part));"
        "return [of('/plotly-').startTime, Math.max(of('/api/summary').responseEnd, of('/api/records').responseEnd)]"
    )
    assert begun >= answered


def test_plot_is_loaded_once(visitor: Visitor) -> None:
    """Another filter draws with what is there."""
    visitor.opens()
    visitor.clicks("#figures .stranger button")
    visitor.until(lambda: visitor.query() == {"standing": ["stranger"]}, "it is filtered")
    assert visitor.run("return document.querySelectorAll('script[src*=plotly]').length") == 1
    assert visitor.run("return document.querySelectorAll('#plot .scatterlayer .point').length") > 0
