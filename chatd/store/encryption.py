"""TLS to PostgreSQL: beyond this machine nothing goes in the clear, and no password either.

libpq encrypts when the server offers it, unless told otherwise, and says nothing if it did not.
"""

import ipaddress
import os
from collections.abc import Iterator

from psycopg2.extensions import parse_dsn

ENCRYPTED = ("require", "verify-ca", "verify-full")
"""Values of sslmode with which libpq sends nothing before the connection is encrypted."""

_ENVIRONMENT = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "service": "PGSERVICE",
    "sslmode": "PGSSLMODE",
}


def clear_text_fault(uri: str) -> str:
    """Return the reason why a PostgreSQL address would have chatd speak in the clear with another
    machine; empty if it does not."""
    given = parse_dsn(uri)
    parameters = {
        name: given.get(name) or os.environ.get(variable, "") for name, variable in _ENVIRONMENT.items()
    }
    mode = parameters["sslmode"]
    distant = next(_distant(parameters), "")
    if not distant or mode in ENCRYPTED:
        return ""
    return (
        f"names {distant}, which is not this machine, and its sslmode is {mode or 'prefer'!r}: what is "
        f"stored could go there in the clear. Add sslmode=verify-full and sslrootcert=FILE, or at least "
        f"sslmode=require"
    )


def _distant(parameters: dict[str, str]) -> Iterator[str]:
    """The hosts that are not this machine."""
    hosts = parameters["hostaddr"] or parameters["host"]
    if not hosts and parameters["service"]:
        yield f"the service {parameters['service']!a}"  # its file may name any host
    for host in hosts.split(","):
        if not _is_local(host):
            yield ascii(host)


def _is_local(host: str) -> bool:
    """True for sockets of this machine. A name other than localhost may stand for any address."""
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
