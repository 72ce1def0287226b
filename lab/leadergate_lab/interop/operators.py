"""Which operators there are, and how a replica of each is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from leadergate_lab.interop.hostnames import by_namespace, namespaces_permitted
from leadergate_lab.processes import ManagedProcess


@dataclass(frozen=True, slots=True)
class Timings:
    """Of an election, in seconds, as client-go calls them. No busy machine makes a leader lose its Lease by these."""

    lease: float = 60
    renew: float = 8
    retry: float = 0.5


@dataclass(frozen=True, slots=True)
class Place:
    """What a replica finds where it runs: its Pod, its credentials and the options of its Deployment."""

    pod: str
    namespace: str
    kubeconfig: Path
    timings: Timings


class Operator(Protocol):
    """An operator that some framework's users could have written.

    ``lease`` is the name of the Lease that it elects its leader with.
    """

    @property
    def name(self) -> str:
        """What to call it."""

    @property
    def lease(self) -> str:
        """The name of its Lease."""

    @property
    def process(self) -> type[ManagedProcess]:
        """What a replica is, for those who kill and freeze it."""

    def command(self, place: Place) -> Sequence[str]:
        """How to start a replica."""

    def environment(self, place: Place) -> Mapping[str, str]:
        """Its environment, on top of the laboratory's."""


@dataclass(frozen=True, slots=True)
class GoOperator:
    """One of the Go programs. With ``by_hostname`` it is told its Pod's name by its host's name alone."""

    name: str
    lease: str
    program: Path
    flags: tuple[str, ...] = ()
    by_hostname: bool = False
    process: type[ManagedProcess] = ManagedProcess

    def command(self, place: Place) -> Sequence[str]:
        """How to start a replica."""
        timings = place.timings
        argv = [str(self.program), f"--namespace={place.namespace}", f"--lease-duration={timings.lease}s"]
        argv += [f"--renew-deadline={timings.renew}s", f"--retry-period={timings.retry}s", *self.flags]
        return by_namespace(place.pod, argv) if self.by_hostname and namespaces_permitted() else argv

    def environment(self, place: Place) -> Mapping[str, str]:
        """Its environment, on top of the laboratory's."""
        own = {"HOSTNAME": place.pod} if self.by_hostname else {"POD_NAME": place.pod}
        return {"KUBECONFIG": str(place.kubeconfig), **own}


def controller_runtime(built: Mapping[str, Path]) -> GoOperator:
    """On controller-runtime, as it comes."""
    return _controller_runtime(built, "controller-runtime")


def only_generations(built: Mapping[str, Path]) -> GoOperator:
    """On controller-runtime, which its GenerationChangedPredicate shields from changes that are none of the spec."""
    return _controller_runtime(built, "controller-runtime, by generation", "--generation-changed-predicate")


def skip_observed(built: Mapping[str, Path]) -> GoOperator:
    """On controller-runtime, and it leaves alone what somebody has brought up to date."""
    return _controller_runtime(built, "controller-runtime, skips what is right", "--skip-observed")


def only_leader(built: Mapping[str, Path]) -> GoOperator:
    """On controller-runtime, which starts its controllers where it leads: the default."""
    return _controller_runtime(built, "controller-runtime, on the leader alone", "--only-leader")


def client_go(built: Mapping[str, Path]) -> GoOperator:
    """On client-go alone: informer, work queue, elector."""
    return GoOperator("client-go", "redirect-controller", built["clientgo"])


def client_go_default_rate(built: Mapping[str, Path]) -> GoOperator:
    """On client-go alone, with the rate that it allows itself when nobody sets one: 5 requests a second, 10 at once."""
    flags = ("--kube-api-qps=5", "--kube-api-burst=10")
    return GoOperator("client-go, 5 requests/s", "redirect-controller", built["clientgo"], flags)


def _controller_runtime(built: Mapping[str, Path], name: str, *flags: str) -> GoOperator:
    return GoOperator(name, "redirects.demo.leadergate.dev", built["controllerruntime"], flags, by_hostname=True)
