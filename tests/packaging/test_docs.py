"""What pages, alerts and notes tell people to type is there, and their links lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from .commands import PROGRAMS, faults, in_code, in_prose, program
from .pages import ROOT, Page, broken, pages

PAGES = pages()
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.path))

RULES = ROOT / "deploy/alerts/leadergate.rules.yaml"
NOTES = [ROOT / "deploy/helm/leadergate/templates" / name for name in ("NOTES.txt", "_names.tpl")]
VERBS = {"is", "sets"}
"""What "leadergate" is followed by in a sentence about it."""

FOREIGN = {
    "--admission-control-config-file": "kube-apiserver",
    "--audit-log-format": "kube-apiserver",
    "--audit-log-mode": "kube-apiserver",
    "--enable-aggregator-routing": "kube-apiserver",
    "--event-ttl": "kube-apiserver",
    "--server-side": "kubectl",
    "--prefix": "kubectl",
    "--timestamps": "kubectl",
    "--atomic": "helm",
    "--force-conflicts": "helm, kubectl",
    "--rollback-on-failure": "helm",
    "--set": "helm",
    "--certs": "the beginning of settings of ours",
    "--liveness": "Kopf",
    "--operator": "a program of the laboratory",
    "--standalone": "Kopf",
}
"""Options of other programs that our pages name without the program."""


def commands(page: Page) -> list[list[str]]:
    """What a page's code tells to type of ours."""
    return [words for code in (*page.blocks(), *page.spans()) for words in in_code(code)]


def options(page: Page) -> Iterator[str]:
    """Options that a page names by themselves."""
    for span in page.spans():
        if found := re.match(r"--[a-z][a-z0-9-]*", span):
            yield found[0]


def texts() -> Iterator[tuple[str, str]]:
    """What alerts and the chart's notes say to people, and where."""
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], "\n".join(rule["annotations"].values())
    yield from ((note.name, note.read_text()) for note in NOTES)


@each_page
def test_commands_of_a_page_are_there(page: Page) -> None:
    """Each in its code: name, options and choices."""
    assert [fault for words in commands(page) for fault in faults(words)] == []


@each_page
def test_options_of_a_page_are_there(page: Page) -> None:
    """Those that it names by themselves: some command of ours has them, or they are known to be another program's."""
    ours = set().union(*(program(name).every_option() for name in PROGRAMS))
    assert not ours & FOREIGN.keys() - {"--prefix", "--timestamps"}
    assert set(options(page)) - ours - FOREIGN.keys() == set()


@each_page
def test_links_of_a_page_lead_somewhere(page: Page) -> None:
    """To a file of the repository, and to a heading of it."""
    assert list(broken(page)) == []


@pytest.mark.parametrize("text", [pytest.param(text, id=where) for where, text in texts()])
def test_commands_of_alerts_and_notes_are_there(text: str) -> None:
    """In sentences, where nothing marks them: what follows the name is a command, or a verb that we know."""
    assert [fault for words in in_prose(text) if words[1] not in VERBS for fault in faults(words)] == []


def test_pages_that_programs_name_are_there() -> None:
    """Settings, commands, alerts and the chart send people to pages and to headings of them."""
    folders = [ROOT / name for name in ("webhook", "operator", "certs", "deploy")]
    files = [
        file for folder in folders for file in folder.rglob("*") if file.suffix in {".py", ".yaml", ".tpl", ".txt"}
    ]
    named = {
        (file.relative_to(ROOT), found[1], found[2])
        for file in files
        for found in re.finditer(r"\b(docs/[\w./-]+?\.md)(?:#([\w-]+))?", file.read_text())
    }
    anchors = {str(page.path): page.anchors() for page in PAGES}
    assert len({page for _, page, _ in named}) > 5
    assert [one for one in named if one[1] not in anchors or (one[2] and one[2] not in anchors[one[1]])] == []


def test_commands_are_found() -> None:
    """So many that it is known that they are looked for where pages have them."""
    found = {" ".join(words[:3]) for page in PAGES for words in commands(page)}
    assert {"leadergate audit summary", "leadergate certs show", "leadergate gate render"} <= found
    assert sum(len(commands(page)) for page in PAGES) > 100
    assert sum(1 for _, text in texts() for _ in in_prose(text)) > 20


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("$ leadergate audit sumary x.log", "no command 'sumary'"),
        ("kubectl logs x | leadergate audit summary - --rutine", "no option --rutine"),
        ("leadergate doctor \\\n  --output=yaml", "--output is one of"),
        ("A=b leadergate doctor gate", "takes fewer words"),
        ("kubectl exec deploy/leadergate -- leadergate certs shows", "no command 'shows'"),
        ("leadergate serve --no-port", "no option --no-port"),
        ("leadergate-operator run --lease-nam=x", "no option --lease-nam"),
    ],
)
def test_a_command_that_is_not_there_is_found(code: str, fault: str) -> None:
    """The check can fail."""
    (found,) = [fault for words in in_code(code) for fault in faults(words)]
    assert fault in found


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    """The check can fail: a file, a heading, and what leaves the repository."""
    (tmp_path / "a.md").write_text("# A page\n## Its *second*, (part)\n")
    links = "a.md a.md#a-page a.md#its-second-part #here b.md a.md#b #there ../x https://example.org/x"
    (tmp_path.parent / "x").touch()
    page = Page(Path("here.md"), "# Here\n`[code](c.md)`\n" + "".join(f"[x]({link})\n" for link in links.split()))
    (tmp_path / page.path).write_text(page.text)
    assert [one.split(": ")[1] for one in broken(page, tmp_path)] == ["b.md", "a.md#b", "#there", "../x"]
