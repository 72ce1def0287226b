"""What can be set, by flag or by environment; every fault is found at start, all of them at once."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from leadergate.certs_settings import CertsSettings
from leadergate.otlp.settings import CollectorUrl

PREFIX = "LEADERGATE_"
SERVICE_ACCOUNT_DIRECTORY = Path("/var/run/secrets/kubernetes.io/serviceaccount")

# What the kubelet sets for a Service whose name begins with ours (Kubernetes "Service", environment variables).
_LINK_NAME = re.compile(r"_SERVICE_(HOST|PORT)|_PORT_[0-9]+_(TCP|UDP|SCTP)")
_LINK_VALUE = ("tcp://", "udp://", "sctp://")

# In a URL. Faults go to a log.
_CREDENTIALS = re.compile(r"//[^/\s]*@")

Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(CertsSettings):
    """Serve admission reviews over TLS, and health and metrics on a plain port.

    Every flag can also be given as an environment variable: --max-in-flight is LEADERGATE_MAX_IN_FLIGHT. A flag wins.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        cli_prog_name="leadergate serve",
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
    )

    certificate: Path = Field(
        default=Path("/etc/leadergate/tls/tls.crt"),
        description="PEM file with the serving certificate and its chain. A changed file is taken while serving.",
    )
    key: Path = Field(
        default=Path("/etc/leadergate/tls/tls.key"), description="PEM file with the serving certificate's private key."
    )
    certificate_poll_seconds: float = Field(
        default=5.0, ge=0.05, le=3600, description="How often the certificate's files are looked at."
    )
    client_ca: Path | None = Field(
        default=None,
        description="PEM file of authorities: callers must show a certificate of one of them, as API servers can be"
        " told to (docs/client-authentication.md). A changed file is taken while serving.",
    )
    client_names: str = Field(
        default="",
        description="Names of callers, separated by commas: the common name or a DNS name of a certificate of"
        " --client-ca; others are turned away. Default: any certificate of it.",
    )
    address: str = Field(default="", description="Address to listen on; empty: all, IPv4 and IPv6.")
    port: Port = Field(default=8443, description="TLS port for admission reviews; 0: any free one, see the log.")
    plain_port: Port = Field(default=8080, description="Plain port for /livez, /readyz and /metrics; 0: any free one.")
    kubeconfig: Path | None = Field(
        default=None, description="kubeconfig to reach the API server; default: the Pod's own service account."
    )
    context: str | None = Field(default=None, description="Context of the kubeconfig; default: its current one.")
    service_account_directory: Path = Field(
        default=SERVICE_ACCOUNT_DIRECTORY, description="Where the Pod's token and ca.crt are mounted."
    )
    max_body_bytes: int = Field(
        default=7 << 20, ge=1 << 10, le=64 << 20, description="Largest body of one admission review; beyond it 413."
    )
    max_body_bytes_in_flight: int = Field(
        default=64 << 20, ge=1 << 10, description="Bytes of all bodies under way together; beyond it 503."
    )
    max_in_flight: int = Field(default=256, ge=1, le=65536, description="Reviews under way at once; beyond it 503.")
    reads_at_once: int = Field(
        default=4, ge=1, le=64, description="Reads of one Lease that may be under way when the API server is slow."
    )
    clock_skew_seconds: float = Field(
        default=10.0,
        ge=0,
        le=3600,
        description="Allowance for other machines' clocks, used once: to tell whether a Lease that this process sees"
        " for the first time has expired long ago.",
    )
    former_holder_seconds: float = Field(
        default=600.0, ge=0, le=86400, description="For how long a pod that lost the Lease is called a former-holder."
    )
    drain_seconds: float = Field(
        default=10.0,
        ge=0,
        le=300,
        description="After SIGTERM: how long to go on serving, not ready, while endpoints catch up.",
    )
    stuck_objects: int = Field(
        default=10_000,
        ge=0,
        le=1_000_000,
        description="How many objects to remember whose last status write was rejected and not followed by an admitted"
        " one, for the gauge leadergate_stuck_objects and for --nudge; 0: none.",
    )
    nudge: bool = Field(
        default=False,
        description="After a takeover, annotate each remembered object once, so that the new holder's watch fires and"
        " it writes the status that was rejected before. Needs 'patch' on these resources: docs/takeover.md.",
    )
    nudge_per_second: float = Field(
        default=50.0, ge=0.1, le=1000, description="Most requests a second that nudges may send, on average."
    )
    rejection_events: bool = Field(
        default=False,
        description="Make Kubernetes Events on objects whose status a former holder or a stranger was kept from"
        " writing: a handful, however many rejections there are. Needs 'create' on events: docs/records.md.",
    )
    record_allowed: bool = Field(default=False, description="Write a record of allowed writes too.")
    otlp_endpoint: CollectorUrl = Field(
        default="",
        description="Base URL of an OpenTelemetry collector, such as http://otel-collector.observability:4318, which"
        " gets a copy of each record as a log record, OTLP over HTTP. Default: none. Headers and authorities are given"
        " as OTEL_EXPORTER_OTLP_HEADERS and the like: docs/otlp.md.",
    )
    pod_name: str = Field(default="", description="Name of this Pod in records; default: the host name.")
    log_level: str = Field(default="info", description="Log level of stderr: debug, info, warning, error.")

    @field_validator("port", "plain_port", mode="before")
    @classmethod
    def _pass_over_service_link(cls, value: Any, info: ValidationInfo) -> Any:
        """A Service called leadergate makes LEADERGATE_PORT in the Pods beside it, which nobody meant as a setting."""
        linked = isinstance(value, str) and value.startswith(_LINK_VALUE)
        return cls.model_fields[info.field_name or ""].default if linked else value

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value not in {"debug", "info", "warning", "error"}:
            raise ValueError("expected one of debug, info, warning, error")
        return value

    @field_validator("plain_port")
    @classmethod
    def _ports_differ(cls, value: int, info: ValidationInfo) -> int:
        if value and value == info.data.get("port"):
            raise ValueError(f"is the TLS port too ({value}): choose another")
        return value

    @field_validator("max_body_bytes_in_flight")
    @classmethod
    def _one_body_fits(cls, value: int, info: ValidationInfo) -> int:
        one = info.data.get("max_body_bytes", 0)
        if value < one:
            raise ValueError(f"must be at least max_body_bytes ({one}), or the largest body is never admitted")
        return value

    @field_validator("client_names")
    @classmethod
    def _names_need_an_authority(cls, value: str, info: ValidationInfo) -> str:
        if value and "client_ca" in info.data and info.data["client_ca"] is None:
            raise ValueError("needs authorities to trust: set client_ca as well, or leave client_names out")
        return value

    @field_validator("nudge")
    @classmethod
    def _nudge_needs_memory(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("stuck_objects") == 0:
            raise ValueError("needs remembered objects: set stuck_objects above 0, or leave nudge out")
        return value

    @field_validator("context")
    @classmethod
    def _context_needs_kubeconfig(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and "kubeconfig" in info.data and info.data["kubeconfig"] is None:
            raise ValueError("needs a kubeconfig: set kubeconfig as well, or leave context out")
        return value


class SettingsFault(Exception):
    """The configuration cannot be used; ``faults`` names each fault and its remedy."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def load(arguments: list[str], environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings from flags and environment.

    Raises:
        SettingsFault: with every fault at once.
        SystemExit: after ``--help`` (0) or a flag that does not exist (2).
    """
    unknown = _unknown_variables(environ)
    try:
        settings = Settings(_cli_parse_args=arguments)
    except ValidationError as error:
        raise SettingsFault(unknown + [_in_words(fault) for fault in error.errors()]) from error
    if unknown:
        raise SettingsFault(unknown)
    return settings


def _unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """A misspelt variable would otherwise be ignored in silence."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    return [
        f"{name}: there is no such setting; see leadergate serve --help"
        for name, value in environ.items()
        if name.startswith(PREFIX)
        and name.upper() not in known
        and not (_LINK_NAME.search(name) or value.startswith(_LINK_VALUE))
    ]


def _in_words(fault: Any) -> str:
    name = "_".join(str(part) for part in fault["loc"])
    if not name:  # about several settings together: the message names them
        return str(fault["msg"].removeprefix("Value error, "))
    field = Settings.model_fields.get(name)
    about = f" ({field.description})" if field is not None and field.description else ""
    message = fault["msg"].removeprefix("Value error, ")
    flag = "--" + name.replace("_", "-")
    given = _CREDENTIALS.sub("//…@", repr(fault["input"]))
    return f"{flag} or {PREFIX}{name.upper()}: {given}: {message}{about}"
