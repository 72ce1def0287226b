"""What can be set of the certificates that the webhook makes and rotates by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_settings import BaseSettings

from leadergate_certs.duration import parse_duration
from leadergate_certs.issue import KeyAlgorithm
from leadergate_certs.names import ServingNames
from leadergate_certs.rotation import PROPAGATION


def _duration(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
_A_SECOND = timedelta(seconds=1)


class CertsSettings(BaseSettings):
    """The settings that begin with ``certs``."""

    certs_secret: str = Field(
        default="",
        description="NAMESPACE/NAME of a Secret: certificates are made and rotated there, by all replicas together, and"
        " put into the caBundles of labelled configurations. Takes the place of --certificate and --key:"
        " docs/certificates.md.",
    )
    certs_service: str = Field(
        default="",
        description="Name of the Service, in the Secret's namespace: certificates bear its names, and a rotation looks"
        " at what its endpoints serve.",
    )
    certs_names: str = Field(
        default="", description="More DNS names and IP addresses for the certificates, separated by commas."
    )
    certs_endpoints: str = Field(
        default="",
        description="Addresses of all replicas as HOST:PORT, separated by commas, where no Service tells them.",
    )
    certs_propagation: Duration = Field(
        default=PROPAGATION,
        ge=_A_SECOND,
        le=timedelta(days=1),
        description="How long API servers may take to hear of a changed caBundle, and replicas of a changed Secret; a"
        " rotation waits that long before it relies on either. More than their clocks differ.",
    )
    certs_leaf_lifetime: Duration = Field(
        default=timedelta(days=90),
        ge=timedelta(seconds=10),
        le=timedelta(days=3650),
        description="How long a serving certificate is valid; it is renewed after two thirds of it.",
    )
    certs_authority_lifetime: Duration = Field(
        default=timedelta(days=3650),
        ge=timedelta(seconds=30),
        le=timedelta(days=36500),
        description="How long the certificate of an authority is valid; it is replaced after two thirds of it.",
    )
    certs_algorithm: KeyAlgorithm = Field(
        default=KeyAlgorithm.ECDSA_P256, description="The kind of new keys. RSA costs far more CPU at each handshake."
    )
    certs_rotate: bool = Field(
        default=True, description="Make the steps of rotations; without it, take what other replicas have made."
    )

    @field_validator("certs_secret")
    @classmethod
    def _names_a_secret(cls, value: str) -> str:
        namespace, slash, name = value.partition("/")
        if value and not (slash and namespace and name and "/" not in name):
            raise ValueError("expected NAMESPACE/NAME")
        return value

    @field_validator("certs_names")
    @classmethod
    def _are_names(cls, value: str) -> str:
        if names := listed(value):
            ServingNames.told_apart(names)
        return value

    @field_validator("certs_endpoints")
    @classmethod
    def _are_endpoints(cls, value: str) -> str:
        for endpoint in listed(value):
            parse_endpoint(endpoint)
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> CertsSettings:
        if not self.certs_secret:
            given = sorted(name for name in self.model_fields_set if name.startswith("certs_"))
            if given:
                raise ValueError(f"{_flag(given[0])}: needs --certs-secret, or leave it out")
            return self
        if both := sorted({"certificate", "key"} & self.model_fields_set):
            raise ValueError(f"{_flag(both[0])}: cannot be given together with --certs-secret; leave one of them out")
        if not self.certs_service and not self.certs_names:
            raise ValueError("--certs-secret: needs names to certify; give --certs-service or --certs-names as well")
        if self.certs_leaf_lifetime * 3 > self.certs_authority_lifetime:
            raise ValueError(
                "--certs-leaf-lifetime: is more than a third of --certs-authority-lifetime, so that a leaf would"
                " outlive its authority; give a shorter one"
            )
        if self.certs_leaf_lifetime < self.certs_propagation * 6:
            raise ValueError(
                "--certs-leaf-lifetime: is less than six times --certs-propagation, so that a leaf could end before a"
                " rotation does; give a longer one"
            )
        self.serving_names()
        return self

    def serving_names(self) -> ServingNames:
        """The names that certificates must bear. Raises IssueError."""
        namespace = self.certs_secret.partition("/")[0]
        services = [(self.certs_service, namespace)] if self.certs_service else []
        return ServingNames.told_apart(listed(self.certs_names), services=services)


def parse_endpoint(text: str) -> tuple[str, int]:
    """HOST:PORT, with an IPv6 address in brackets. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is no endpoint; expected HOST:PORT")
    return host.removeprefix("[").removesuffix("]"), int(port)


def listed(text: str) -> list[str]:
    """The parts between commas, without what is blank."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
