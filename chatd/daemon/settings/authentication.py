"""Tokens, and the limits of a connection that has not shown one yet."""

import resource
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from chatd.daemon.descriptors import MOST
from chatd.daemon.settings.section import MS_PER_SECOND, OptionalPath, Place, Section, number
from chatd.gateway.authentication.jwt_tokens import JwtRule
from chatd.gateway.doorkeeper import DoorSettings

RESERVE = 64
"""Descriptors kept for the process itself and for operators, or a tenth of all if that is more."""


class AuthenticationSection(Section):
    """Gateways authenticate; default nodes trust them."""

    title: ClassVar[str] = "Authentication"

    tokens_file: OptionalPath = Field(
        default=None,
        description="TOML file of the tokens with which clients authenticate. A gateway that does not find "
        "it writes one with a "
        "single operator's token. Default: DATA_DIR/tokens.toml.",
    )
    jwt_keys_file: OptionalPath = Field(
        default=None,
        description="File of the public keys with which JWTs are signed, for gateways to accept them: a JWKS, or PEM, "
        "of the kinds Ed25519, P-256 and RSA. It needs the extra chatd[jwt]. SIGHUP reads it again.",
    )
    jwt_issuer: str = Field(default="", description="Issuer (iss) that a JWT must be of.")
    jwt_audience: str = Field(default="", description="Audience (aud) that a JWT must be for.")
    jwt_leeway_seconds: float = number(
        10.0,
        "Seconds by which the clocks of a gateway and of the JWTs' issuer may differ. With 0 they agree.",
        unit="s",
        ge=0,
        le=300,
    )
    handshake_timeout_ms: int = number(
        5_000,
        "Milliseconds within which a new connection must authenticate; then the gateway closes it. With 0 it "
        "may take for ever.",
        unit="ms",
        ge=0,
        le=600_000,
    )
    max_unauthenticated: int = number(
        10_000,
        "Number of connections to a gateway that may be unauthenticated at once; one more closes the oldest "
        "of them. Half of the "
        "process's limit of open files (RLIMIT_NOFILE) is never exceeded.",
        unit="connections",
        ge=1,
        le=10**6,
    )
    max_failed_authentications: int = number(
        3,
        "Number of wrong tokens after which a gateway closes the connection that sent them. With 0 there is no limit.",
        unit="tokens",
        ge=0,
        le=1000,
    )

    def tokens(self, place: Place) -> Path:
        """The file of the tokens."""
        return self.tokens_file or place.data_dir / "tokens.toml"

    def jwt_rule(self) -> JwtRule:
        """The tokens of the issuer."""
        return JwtRule(self.jwt_issuer, self.jwt_audience, self.jwt_leeway_seconds)

    def problems(self, place: Place) -> Iterator[str]:
        if self.jwt_keys_file is not None and place.mode != "default":
            for name in ("jwt_issuer", "jwt_audience"):
                if not getattr(self, name):
                    yield f"{name.upper()}: JWT_KEYS_FILE needs it: a key may sign tokens for other services too"

    def door(self) -> DoorSettings:
        """The limits of unauthenticated connections."""
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        files = MOST if files == resource.RLIM_INFINITY else files
        reserve = min(files // 2, max(RESERVE, files // 10))
        return DoorSettings(
            handshake=self.handshake_timeout_ms / MS_PER_SECOND,
            # Silent connections alone must not use up the descriptors.
            max_unauthenticated=min(self.max_unauthenticated, files // 2),
            max_failures=self.max_failed_authentications,
            max_connections=max(1, files - reserve),
            operators_reserve=max(1, reserve // 4),
        )

    def effective(self, place: Place) -> dict[str, str]:
        return super().effective(place) | {"tokens_file": str(self.tokens(place))}
