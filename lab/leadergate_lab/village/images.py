"""What stands in for container images: a table of commands."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

_VARIABLE = re.compile(r"\$\$|\$\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class Image:
    """What an image would be: its ENTRYPOINT, environment and USER.

    All Pods share one machine, so that two of them cannot both listen on all addresses of one port. ``env`` tells the
    program to listen on its Pod's own address instead: ``{pod_ip}`` in a value is replaced by it. Where a program has
    its address from its command line alone, ``replace`` puts other text in the place of some text there, likewise.
    """

    entrypoint: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    replace: Mapping[str, str] = field(default_factory=dict)
    user: int = 65532


def leadergate() -> dict[str, Image]:
    """The product's image, which has the webhook, the sample operator and the elector, from this checkout."""
    entrypoint = (sys.executable, "-m", "leadergate")
    return {
        "leadergate:*": Image(
            entrypoint,
            env={"LEADERGATE_ADDRESS": "{pod_ip}"},
            # A Pod's loopback is its own: what its containers tell each other there goes by its address here.
            replace={"=0.0.0.0:": "={pod_ip}:", "127.0.0.1:": "{pod_ip}:"},
        )
    }


def find(images: Mapping[str, Image], reference: str) -> Image | None:
    """The image that a reference means; keys are patterns such as ``leadergate:*``."""
    return next((image for pattern, image in images.items() if fnmatchcase(reference, pattern)), None)


def to_json(images: Mapping[str, Image]) -> dict[str, Any]:
    """As the node's process takes them."""
    return {
        pattern: {
            "entrypoint": list(image.entrypoint),
            "env": dict(image.env),
            "replace": dict(image.replace),
            "user": image.user,
        }
        for pattern, image in images.items()
    }


def from_json(table: Mapping[str, Any]) -> dict[str, Image]:
    """What :func:`to_json` was given."""
    return {
        pattern: Image(tuple(one["entrypoint"]), dict(one["env"]), dict(one["replace"]), int(one["user"]))
        for pattern, one in table.items()
    }


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace ``$(NAME)`` by the variable; ``$$`` is a dollar, unknown names stay as they are (core/v1, Container)."""

    def replacement(match: re.Match[str]) -> str:
        if match.group(0) == "$$":
            return "$"
        return variables.get(match.group(1), match.group(0))

    return _VARIABLE.sub(replacement, text)


def command_line(
    image: Image, command: Sequence[str], args: Sequence[str], variables: Mapping[str, str], pod_ip: str
) -> list[str]:
    """What is run: ``command`` takes the ENTRYPOINT's place, ``args`` follow either."""
    made = [*(image.entrypoint if not command else ()), *(expand(part, variables) for part in (*command, *args))]
    for old, new in image.replace.items():
        made = [part.replace(old, new.format(pod_ip=pod_ip)) for part in made]
    return made


def environment(
    image: Image, base: Mapping[str, str], entries: Sequence[tuple[str, str]], pod_ip: str
) -> dict[str, str]:
    """A container's environment: the image's, what the node sets, and the Pod's, whose values may use earlier ones."""
    variables = {**base, **{name: value.format(pod_ip=pod_ip) for name, value in image.env.items()}}
    for name, value in entries:
        variables[name] = expand(value, variables)
    return variables
