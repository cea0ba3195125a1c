"""The gateway's addresses for clients that speak HTTP or gRPC, and what stands before them."""

import re
from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from chatd.core.address import is_local
from chatd.daemon.settings.addresses import http_endpoint
from chatd.daemon.settings.section import OptionalPath, Place, Section
from chatd.errors import ConfigError
from chatd.files.certificate import Certificate, load_certificate
from chatd.gateway.fronts.proxies import Network, parse_networks

OFF = "off"
_ORIGIN = re.compile(r"\*|https?://[^/?#@\s]+|[a-z][a-z0-9+.-]*://[^/?#@\s]*")
_DERIVED = {
    "HTTP_URI": "endpoint",
    "GRPC_URI": "grpc_endpoint",
    "HTTP_ORIGINS": "origins",
    "HTTP_TRUSTED_PROXIES": "proxies",
}


class HttpSection(Section):
    """A default node does not look at these."""

    title: ClassVar[str] = "HTTP"

    http_uri: str = Field(
        default="http://127.0.0.1:7480",
        description="Address at which a gateway takes calls over HTTP: http://HOST:PORT, or https://HOST:PORT "
        "with the files below. Beyond this machine only https:// is taken. With off it takes none.",
    )
    grpc_uri: str = Field(
        default=OFF,
        description="Address at which a gateway takes calls over gRPC, such as http://127.0.0.1:7481: http:// or "
        "https://, as for HTTP. It needs the extra chatd[grpc].",
    )
    http_tls_cert_file: OptionalPath = Field(
        default=None,
        description="File with the certificate for https://, and those between it and its authority, in PEM. "
        "It is read again at SIGHUP.",
    )
    http_tls_key_file: OptionalPath = Field(
        default=None, description="File with the certificate's private key, in PEM, without a password."
    )
    http_origins: str = Field(
        default="",
        description="Origins whose pages in browsers may use the HTTP address, divided by commas, such as "
        "https://chat.example; * stands for all. A page of the address itself always may.",
    )
    http_trusted_proxies: str = Field(
        default="",
        description="Addresses or networks, divided by commas, of proxies that say in X-Forwarded-For whose "
        "requests they bring, over HTTP and gRPC. Limits of addresses then count by those.",
    )

    http_page: bool = Field(
        default=False,
        description="True shows browsers a small chat client at / of the HTTP address.",
    )

    @property
    def endpoint(self) -> str:
        """In the form of other addresses; empty without one. Raises ConfigError."""
        return _endpoint(self.http_uri)

    @property
    def grpc_endpoint(self) -> str:
        """In the form of other addresses; empty without one. Raises ConfigError."""
        return _endpoint(self.grpc_uri)

    @property
    def is_encrypted(self) -> bool:
        """True if every connection of HTTP is."""
        return _is_encrypted(self.http_uri)

    @property
    def is_grpc_encrypted(self) -> bool:
        """True if every connection of gRPC is."""
        return _is_encrypted(self.grpc_uri)

    @property
    def has_certificate(self) -> bool:
        """True if any connection is encrypted."""
        return self.is_encrypted or self.is_grpc_encrypted

    def certificate(self) -> Certificate | None:
        """The certificate, as it is now; None without https://. Raises ConfigError, StartFailed."""
        cert, key = self.http_tls_cert_file, self.http_tls_key_file
        if not self.has_certificate or cert is None or key is None:
            return None
        return load_certificate(cert, key)

    @property
    def origins(self) -> tuple[str, ...]:
        """Raises ConfigError."""
        found = _parts(self.http_origins)
        for origin in found:
            if not _ORIGIN.fullmatch(origin):
                raise ConfigError(f"{origin!r} is no origin; it is like https://chat.example, without a path")
        return found

    @property
    def proxies(self) -> tuple[Network, ...]:
        """Raises ConfigError."""
        return parse_networks(_parts(self.http_trusted_proxies))

    def problems(self, place: Place) -> Iterator[str]:
        if place.mode == "default":
            return
        for key, name in _DERIVED.items():
            try:
                getattr(self, name)
            except ConfigError as exc:
                yield f"{key}: {exc}"
        files = {"HTTP_TLS_CERT_FILE": self.http_tls_cert_file, "HTTP_TLS_KEY_FILE": self.http_tls_key_file}
        for key, path in files.items():
            if self.has_certificate and path is None:
                yield f"{key}: https:// needs it"


def public_uri(uri: str, endpoint: str) -> str:
    """The tcp:// address at which ``uri`` was bound, as clients write it."""
    return f"http{'s' * _is_encrypted(uri)}://{endpoint.removeprefix('tcp://')}"


def _is_encrypted(uri: str) -> bool:
    return uri.startswith("https:")


def _endpoint(uri: str) -> str:
    if uri == OFF:
        return ""
    endpoint = http_endpoint(uri, any_port=True)
    if not _is_encrypted(uri) and not is_local(endpoint):
        raise ConfigError(
            f"{uri!r}: others can reach it, so it must be https://; or let a proxy of this machine speak TLS"
        )
    return endpoint


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
