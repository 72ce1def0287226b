"""Commands of ours in texts, held against the real command lines: names, options and choices, nothing is run."""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from enum import EnumType
from typing import Any, get_args

import typer

from leadergate.audit.cli import app as audit
from leadergate.cli import app as root
from leadergate.doctor.cli import app as doctor
from leadergate.gates.cli import app as gate
from leadergate.settings import Settings
from leadergate_operator.cli import app as operator

PROGRAMS = ("leadergate", "leadergate-operator")
_OPERATORS = set("();<>|&")
_SETS = re.compile(r"[A-Z_][A-Z0-9_]*=")
_WORD = re.compile(r"[a-z][a-z-]*")
# What a reader is to fill in or leave out: NS/NAME, URL, …, [FILE].
_PLACEHOLDER = re.compile(r"…|\.\.\.|\[.*|.*\]|[^a-z]*")


@dataclass(frozen=True, slots=True)
class Option:
    """An option: whether a word follows it, and which it may be, if not any."""

    takes: bool
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its options, how many other words it takes, and the commands below it."""

    options: dict[str, Option]
    most: float
    commands: dict[str, Command]

    def every_option(self) -> set[str]:
        """Its options, and those of all below it."""
        return set(self.options).union(*(one.every_option() for one in self.commands.values()))


@functools.cache
def program(name: str) -> Command:
    """The whole tree of a program; what it loads only when it is needed is put in."""
    if name == "leadergate-operator":
        return _command(typer.main.get_command(operator))
    tree = _command(typer.main.get_command(root))
    for late, app in (("audit", audit), ("doctor", doctor), ("gate", gate)):
        tree.commands[late] = _command(typer.main.get_command(app))
    tree.commands["serve"] = Command(dict(_settings()), 0, {})
    return tree


def _command(one: Any) -> Command:
    """A command of typer's; its classes look like click's, and are typer's own."""
    options = {"--help": Option(takes=False)}
    most = 0.0
    for parameter in one.params:
        if parameter.param_type_name == "argument":
            most += float("inf") if parameter.nargs == -1 else parameter.nargs
            continue
        annotation = parameter.type_descriptor.annotation
        kinds = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, EnumType)]
        found = Option(
            not (parameter.is_flag or parameter.count), tuple(str(one.value) for kind in kinds for one in kind)
        )
        options |= dict.fromkeys((*parameter.opts, *parameter.secondary_opts), found)
    return Command(options, most, {name: _command(below) for name, below in getattr(one, "commands", {}).items()})


def _settings() -> Iterator[tuple[str, Option]]:
    yield "--help", Option(takes=False)
    for name, field in Settings.model_fields.items():
        flag = name.replace("_", "-")
        yield f"--{flag}", Option(takes=field.annotation is not bool)
        if field.annotation is bool:
            yield f"--no-{flag}", Option(takes=False)


_NOTHING = Command({}, 0, {})


def in_code(code: str) -> Iterator[list[str]]:
    """The words of each command of ours in a shell's code, the program first."""
    for line in code.replace("\\\n", " ").splitlines():
        for words in _simple(line):
            while words and (words[0] in ("$", "sudo", "time") or _SETS.match(words[0])):
                words.pop(0)
            # kubectl exec … -- leadergate …
            starts = [0, *(number + 1 for number, word in enumerate(words) if word == "--")]
            yield from (words[start:] for start in starts if start < len(words) and words[start] in PROGRAMS)


def _simple(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # prose with an apostrophe, a text over several lines
        words = line.split()
    found: list[str] = []
    for word in words:
        if set(word) <= _OPERATORS:
            yield found
            found = []
        else:
            found.append(word)
    yield found


def in_prose(text: str) -> Iterator[list[str]]:
    """The words of each command in a text without marks: from the program up to what cannot belong to it any more."""
    for found in re.finditer(r"(?<![\w./-])leadergate ([a-z][^\n.,;]*)", re.sub(r"\{\{.*?\}\}", "X", text)):
        words = found[1].split()
        command = program("leadergate")
        taken = ["leadergate"]
        while words and command.commands:
            taken.append(words.pop(0))
            command = command.commands.get(taken[-1], _NOTHING)
        while words and words[0].startswith("--"):
            option = command.options.get(words[0])
            taken.append(words.pop(0))
            if option is not None and option.takes and words:
                taken.append(words.pop(0))
        yield taken


def faults(words: list[str]) -> Iterator[str]:
    """What of a command is not there."""
    said, command, rest = " ".join(words), program(words[0]), words[1:]
    while rest and command.commands and _WORD.fullmatch(rest[0]):
        name = rest.pop(0)
        if name not in command.commands:
            yield f"{said}: there is no command {name!r}"
            return
        command = command.commands[name]
    given = 0
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            given += not _PLACEHOLDER.fullmatch(word)
            continue
        name, equals, value = word.partition("=")
        option = command.options.get(name)
        if option is None:
            yield f"{said}: there is no option {name}"
        elif option.takes:
            value = value if equals else rest.pop(0) if rest else ""
            if option.choices and not _PLACEHOLDER.fullmatch(value) and value not in option.choices:
                yield f"{said}: {name} is one of {', '.join(option.choices)}"
    if given > command.most:
        yield f"{said}: takes fewer words"
