"""The address at which devices reach a gateway, as it is told to them: it may stand behind another
one than it listens at, and carries the gateway's key if connections are encrypted."""

import socket
from collections.abc import Sequence

from chatd.core.address import (
    Address,
    Listening,
    check_endpoint,
    is_everywhere,
    parse_key,
    reached_at,
    split,
)
from chatd.errors import ConfigError


def check_public_address(given: str, host: str, listening: Listening) -> None:
    """Raise ConfigError if no device could connect to what ``public_address`` would make of
    these."""
    if not given:
        if is_everywhere(listening.endpoint) and not host:
            port = listening.endpoint.rpartition(":")[2]
            raise ConfigError(
                f"{listening.endpoint} stands for all addresses of this machine, so PUBLIC_HOST, or this, must "
                f"say which one devices use, for example tcp://{socket.gethostname()}:{port}"
            )
    elif listening.is_encrypted:
        endpoint, mark, key = split(given)
        check_endpoint(endpoint)
        if is_everywhere(endpoint):
            raise ConfigError(f"{given!r} stands for all addresses of a machine; devices need one of them")
        if mark:
            parse_key(key)
    else:
        Address.parse(given)


def public_address(given: str, host: str, bound: str, keys: Sequence[bytes]) -> Address:
    """The address ``given`` by the settings, else the one that is ``bound``, by its ``host`` if
    that stands for all of the machine's, with the newest key. ``keys`` are this gateway's, the
    newest last; none if connections are plain. Raises ConfigError."""
    address = given or reached_at(bound, host)
    if not keys:
        return Address.parse(address)
    endpoint, mark, key = split(address)
    if mark and parse_key(key) not in keys:
        raise ConfigError("GATEWAY_PUBLIC_URI has another key than this gateway; it may be left out there")
    return Address(endpoint, keys[-1])
