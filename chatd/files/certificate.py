"""The certificate of a server that speaks TLS, from files."""

import re
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from chatd.errors import ConfigError, os_error

_PEM = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_VERSION = 0xA0
_UTC_TIME = 0x17


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
    try:
        found = _PEM.search(cert_file.read_text(encoding="ascii"))
        return 0 if found is None else _not_after_us(ssl.PEM_cert_to_DER_cert(found[0]))
    except (OSError, ValueError, IndexError):
        return 0


def _not_after_us(certificate: bytes) -> int:
    """The end of the validity (RFC 5280, 4.1). Raises ValueError, IndexError for what is no
    certificate in DER."""
    _, signed, _ = _element(certificate, 0)
    _, start, _ = _element(certificate, signed)
    tag, _, after = _element(certificate, start)
    if tag == _VERSION:
        start = after
    for _ in ("serial number", "signature algorithm", "issuer"):
        _, _, start = _element(certificate, start)
    _, validity, _ = _element(certificate, start)
    _, _, after = _element(certificate, validity)
    tag, start, end = _element(certificate, after)
    text = certificate[start:end].decode("ascii")
    if tag == _UTC_TIME:  # two digits of the year, from 1950 to 2049
        text = ("20" if text < "5" else "19") + text
    expires = datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    return int(expires.timestamp()) * 1_000_000


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """The tag of an element, and where its content begins and ends."""
    length, start = der[at + 1], at + 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[at + 2 : start], "big")
    if start + length > len(der):
        raise ValueError("it is cut off")
    return der[at], start, start + length
