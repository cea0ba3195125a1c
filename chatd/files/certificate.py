"""The certificate of a server that speaks TLS, from files."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from chatd.errors import ConfigError, os_error


@dataclass(frozen=True, slots=True)
class Certificate:
    """``tls`` is a context for the connections of clients over HTTP; ``chain`` and ``key`` are the
    files, in PEM."""

    tls: ssl.SSLContext
    chain: bytes
    key: bytes = field(repr=False)


def load_certificate(cert_file: Path, key_file: Path) -> Certificate:
    """The certificate, and those between it and its authority. Raises ConfigError, StartFailed."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    chain, key = _read(cert_file), _read(key_file)
    try:
        # The password is asked for at a terminal otherwise.
        context.load_cert_chain(cert_file, key_file, password=b"")
    except (ssl.SSLError, ValueError) as exc:
        raise ConfigError(
            f"{cert_file} and {key_file} are not a certificate and its key, in PEM and without a password"
        ) from exc
    return Certificate(context, chain, key)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise os_error(str(path), exc) from exc


def expires_us(cert_file: Path) -> int:
    """The time at which a certificate expires, in microseconds since the Unix epoch; 0 if the file
    holds none."""
    from cryptography.x509 import load_pem_x509_certificate  # 40 ms, for those who ask

    try:
        found = load_pem_x509_certificate(cert_file.read_bytes())
    except (OSError, ValueError):
        return 0
    return int(found.not_valid_after_utc.timestamp()) * 1_000_000
