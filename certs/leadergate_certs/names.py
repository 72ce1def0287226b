"""The names that a serving certificate may carry, checked before anything is signed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_DNS_NAME = 253


class IssueError(ValueError):
    """What was asked for cannot be made; the message names the field, its value and what is expected."""


@dataclass(frozen=True)
class ServingNames:
    """The subject alternative names of a serving certificate, without duplicates, in the order given.

    Raises `IssueError` when there is no name at all, or when one is neither a DNS name nor an address.
    """

    dns: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an empty list and names that no client could match."""
        if not self.dns and not self.addresses:
            raise IssueError(
                "names: none given; a serving certificate needs at least one DNS name, IP address or Service"
            )
        for name in self.dns:
            _check_dns_name(name)

    @classmethod
    def parse(
        cls, *, dns: Iterable[str] = (), ips: Iterable[str] = (), services: Iterable[tuple[str, str]] = ()
    ) -> ServingNames:
        """Read names from text. `services` are pairs of Service name and namespace; their names come first.

        DNS names are folded to lower case, as RFC 4343 compares them. Raises `IssueError`.
        """
        wanted = [name for service, namespace in services for name in service_names(service, namespace)]
        wanted += [name.lower() for name in dns]
        return cls(tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(_parse_address(ip) for ip in ips)))

    @classmethod
    def told_apart(cls, names: Iterable[str], *, services: Iterable[tuple[str, str]] = ()) -> ServingNames:
        """Read names as `parse` does, from one list in which addresses are told from DNS names by their form."""
        given = list(names)
        ips = [name for name in given if _is_address(name)]
        return cls.parse(dns=[name for name in given if name not in ips], ips=ips, services=services)

    @property
    def all(self) -> tuple[str, ...]:
        """Every name as text, DNS names first."""
        return (*self.dns, *map(str, self.addresses))

    def joined(self, other: ServingNames) -> ServingNames:
        """These names and the other ones."""
        return ServingNames.parse(dns=(*self.dns, *other.dns), ips=map(str, (*self.addresses, *other.addresses)))

    @property
    def first(self) -> str:
        """The name that stands for the others in a subject or a message."""
        return self.dns[0] if self.dns else str(self.addresses[0])


def service_names(service: str, namespace: str) -> tuple[str, str]:
    """Return the names under which a Service is called.

    The API server calls a webhook's `clientConfig.service` as `{service}.{namespace}.svc`; the second name
    serves callers that use the cluster's usual domain. Raises `IssueError` when a part is not a DNS label.
    """
    for field, value in (("service", service), ("namespace", namespace)):
        if not _LABEL.fullmatch(value):
            raise IssueError(
                f"{field}: {value!r} is not a DNS label; expected lower-case letters, digits and inner "
                f"hyphens, at most 63 characters"
            )
    short = f"{service}.{namespace}.svc"
    return short, f"{short}.cluster.local"


def _check_dns_name(name: str) -> None:
    if _is_address(name):
        raise IssueError(f"dns: {name!r} is an IP address; give it as an IP, clients match the two differently")
    if len(name) > _LONGEST_DNS_NAME or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise IssueError(
            f"dns: {name!r} is not a DNS name; expected labels of letters, digits and inner hyphens, joined "
            f"by dots, such as gate.example.org (no wildcard, no final dot, other scripts in their xn-- form)"
        )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _parse_address(text: str) -> Address:
    # A zone ("fe80::1%eth0") means something on one machine only, and a certificate has no place for it.
    if "%" in text or not _is_address(text):
        raise IssueError(f"ip: {text!r} is not an IP address; expected one such as 192.0.2.7 or 2001:db8::7")
    return ipaddress.ip_address(text)
