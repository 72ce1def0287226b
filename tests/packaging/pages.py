"""Our pages as plain values: their code, their links and the anchors that links may name. Small on purpose."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^(?P<mark> *(?:```+|~~~+))[^\n]*\n(?P<code>.*?)^(?P=mark) *$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"(?<!`)(?P<mark>`+)(?!`)(?P<code>.+?)(?<!`)(?P=mark)(?!`)", re.DOTALL)
_LINK = re.compile(r"\]\(\s*<?(?P<target>[^)\s>]+)>?[^)]*\)|\b(?:href|src|srcset)=\"(?P<attribute>[^\"]+)\"")
_HEADING = re.compile(r"^#{1,6} +(?P<text>.+?) *#*$", re.MULTILINE)
_LINKED_TEXT = re.compile(r"!?\[(?P<text>[^\]]*)\]\([^)]*\)")


@dataclass(frozen=True, slots=True)
class Page:
    """A Markdown file; ``path`` is its place under the root."""

    path: Path
    text: str

    def blocks(self) -> Iterator[str]:
        """What stands in fences."""
        return (found["code"] for found in _FENCE.finditer(self.text))

    def spans(self) -> Iterator[str]:
        """What stands between backquotes, each on one line."""
        return (" ".join(found["code"].split()) for found in _SPAN.finditer(_FENCE.sub("", self.text)))

    def links(self) -> Iterator[str]:
        """Where links and pictures lead."""
        for found in _LINK.finditer(self._prose()):
            yield found["target"] or found["attribute"]

    def anchors(self) -> set[str]:
        """What may follow ``#`` in a link to this page, as GitHub makes it of headings."""
        seen: Counter[str] = Counter()
        anchors = set()
        for found in _HEADING.finditer(_FENCE.sub("", self.text)):
            said = _LINKED_TEXT.sub(lambda link: link["text"], found["text"])
            anchor = re.sub(r"[^\w\- ]", "", said.lower()).replace(" ", "-")
            anchors.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
            seen[anchor] += 1
        return anchors

    def _prose(self) -> str:
        return _SPAN.sub("", _FENCE.sub("", self.text))


def pages() -> list[Page]:
    """README.md and all below docs."""
    files = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [Page(file.relative_to(ROOT), file.read_text()) for file in files]


def broken(page: Page, root: Path = ROOT) -> Iterator[str]:
    """The relative links of a page that lead nowhere."""
    for link in page.links():
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (root / page.path.parent / path).resolve() if path else root / page.path
        if not target.exists():
            yield f"{page.path}: {link}: there is no such file"
        elif not target.is_relative_to(root.resolve()):
            yield f"{page.path}: {link}: leads out of the repository"
        elif anchor and (target.suffix != ".md" or anchor not in Page(page.path, target.read_text()).anchors()):
            yield f"{page.path}: {link}: there is no such heading"
