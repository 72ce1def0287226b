"""The webhook as a rendered Deployment would start it."""

from __future__ import annotations

from typing import Any

import pytest

from leadergate.settings import Settings, load

from .rendering import Manifest, the


def container(made: list[Manifest]) -> dict[str, Any]:
    """The webhook's."""
    (only,) = the("Deployment", made)["spec"]["template"]["spec"]["containers"]
    return dict(only)


def served(made: list[Manifest]) -> Settings:
    """What the webhook makes of the container's arguments and environment."""
    found = container(made)
    environ = {one["name"]: one["value"] for one in found["env"] if "value" in one}
    arguments = [one.replace("$(POD_NAMESPACE)", "leadergate-system") for one in found["args"]]
    assert arguments.pop(0) == "serve"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        return load(arguments, environ)
