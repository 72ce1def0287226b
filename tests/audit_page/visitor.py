"""Somebody in front of the page: what they do and what they see, and what the browser complains of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from leadergate_lab.processes import wait_until

from .chromium import HEIGHT, WIDTH, colours, sized

# In place before the page's own first line.
_WATCH = """
window.complaints = [];
addEventListener('securitypolicyviolation', (event) => complaints.push(`policy: ${event.violatedDirective}`));
addEventListener('error', (event) => complaints.push(`error: ${event.message}`), true);
addEventListener('unhandledrejection', (event) => complaints.push(`rejection: ${event.reason}`));
window.ran = [];
"""


class Visitor:
    """Drives one browser on one page. Each begins with a light page of the usual size and no memory."""

    def __init__(self, browser: Chrome, url: str) -> None:
        self.browser = browser
        self.url = url
        self._seen: list[str] = []
        sized(browser, WIDTH, HEIGHT)
        colours(browser, "light")
        self._watch = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH})
        browser.get(f"{url}mark.svg")
        # Only now: the page of before may have asked a command that has ended.
        browser.get_log("browser")
        browser.execute_script("localStorage.clear()")

    def opens(self, query: str = "") -> None:
        """Go there, and wait until everything is shown."""
        self._kept()
        self.browser.get(self.url + query)
        self.settles()

    def settles(self) -> None:
        """Wait until nothing is under way."""
        script = "return document.body?.getAttribute('aria-busy') === 'false'"
        wait_until(lambda: bool(self.run(script)), what="the page shows everything", timeout=60)

    def until(self, condition: Callable[[], Any], what: str) -> None:
        """Wait until something shows, and then until nothing is under way."""
        wait_until(lambda: bool(condition()), what=what, timeout=60)
        self.settles()

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script in the page returns."""
        return self.browser.execute_script(script, *arguments)

    def find(self, selector: str) -> WebElement:
        """The first such element."""
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        """What all such elements say."""
        return list(
            self.run("return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)", selector)
        )

    def text(self, selector: str) -> str:
        """What the first such element says."""
        return self.texts(selector)[0]

    def clicks(self, selector: str) -> None:
        """Click an element, wherever it is on the page."""
        element = self.find(selector)
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def presses(self, *keys: str) -> None:
        """Type on whatever has the focus."""
        ActionChains(self.browser).send_keys(*keys).perform()

    def drags(self, begin: float, end: float) -> None:
        """Drag over the plot, from one share of its width to another."""
        self.run("document.getElementById('plot').scrollIntoView({block: 'center'})")
        layer = self.find("#plot .draglayer .xy .nsewdrag")
        size = layer.size["width"]
        actions = ActionChains(self.browser)
        actions.move_to_element_with_offset(layer, round((begin - 0.5) * size), 0).click_and_hold()
        actions.move_by_offset(round((end - begin) * size / 2), 3).move_by_offset(round((end - begin) * size / 2), 3)
        actions.release().perform()

    def points_at(self, x: float, y: float) -> list[str]:
        """Move the pointer to a mark of the plot; what the plot tells of it, once it does."""
        labels = "#plot .hoverlayer text"
        # From elsewhere: what it told of another mark is no answer.
        self._moves(0, 0)
        wait_until(lambda: not self.texts(labels), what="the plot tells of no mark", timeout=60)
        self._moves(x, y)
        wait_until(lambda: bool(self.texts(labels)), what="the plot tells of the mark", timeout=60)
        return self.texts(labels)

    def _moves(self, x: float, y: float) -> None:
        actions = ActionChains(self.browser, duration=0)
        actions.w3c_actions.pointer_action.move_to_location(round(x), round(y))
        actions.perform()

    def query(self) -> dict[str, list[str]]:
        """The query string of the URL."""
        return parse_qs(urlsplit(self.browser.current_url).query)

    def focused(self) -> str:
        """The id of what has the focus, or its tag."""
        return str(self.run("return document.activeElement.id || document.activeElement.tagName.toLowerCase()"))

    def complaints(self) -> list[str]:
        """What the policy forbade, and what went wrong, on all pages so far."""
        self._kept()
        self.browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", self._watch)
        return self._seen

    def forgives(self, part: str) -> None:
        """A complaint that belongs to what is tested."""
        self._kept()
        self._seen = [one for one in self._seen if part not in one]

    def _kept(self) -> None:
        self._seen += self.run("const found = window.complaints ?? []; window.complaints = []; return found")
        self._seen += [f"console: {one['message']}" for one in self.browser.get_log("browser")]


__all__ = ["Keys", "Visitor"]


@contextmanager
def visiting(browser: Chrome, url: str) -> Iterator[Visitor]:
    """Somebody who looks at a page. What the policy forbade, and what the console said, is a failure in the end."""
    one = Visitor(browser, url)
    yield one
    assert one.complaints() == []
