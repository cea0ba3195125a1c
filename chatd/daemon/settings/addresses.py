"""ZeroMQ addresses as operators write them: ``mem://name`` is ZeroMQ's inproc, commas separate
several."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from chatd.core.address import Address, Listening, check_endpoint, has_key, is_everywhere, split
from chatd.daemon.settings.section import Place
from chatd.errors import ConfigError

MAX_IPC_PATH = 107
"""Bytes: what fits into sockaddr_un.sun_path beside its closing NUL."""

_HTTP = re.compile(r"(https?)://([^/?#@\s]+)/?")


def http_endpoint(uri: str, *, any_port: bool = False) -> str:
    """An address of HTTP in the form of other addresses: tcp://HOST:PORT. ``any_port``: its port
    may be ``*``. Raises ConfigError, which does not quote it: it may have a password in it."""
    found = _HTTP.fullmatch(uri)
    if found is None:
        raise ConfigError("an address of HTTP is http://HOST:PORT, or https://HOST:PORT, and nothing else")
    endpoint = f"tcp://{found[2]}"
    check_endpoint(endpoint, any_port=any_port)
    return endpoint


def parse_addresses(given: str, name: str, place: Place) -> tuple[str, ...]:
    """The addresses in ``given``. If it is empty: mem://``name`` in mode all, else the ipc socket
    ``name``."""
    default = f"mem://{name}" if place.mode == "all" else f"ipc://{(place.ipc_dir / name).absolute()}"
    parts = (part.strip() for part in (given or default).split(","))
    return tuple(re.sub("^mem://", "inproc://", uri) for uri in parts)


def format_addresses(uris: Sequence[str]) -> str:
    """Addresses the way operators write them."""
    return ",".join(uris).replace("inproc://", "mem://")


def internal_problems(key: str, uris: Sequence[str], place: Place) -> Iterator[str]:
    """Problems of addresses between chatd's own processes, set by ``key``: a line each."""
    if len(uris) > 1 and place.mode != "gateway":
        yield f"{key}: only a gateway may have several addresses"
    for uri in uris:
        listens = place.mode != "gateway"
        yield from address_problems(key, uri, mem_allowed=place.mode == "all", listens=listens)
        if listens and is_everywhere(split(uri)[0]) and not place.public_host:
            yield (
                f"{key}: {uri} stands for all addresses of this machine; PUBLIC_HOST must name the one at "
                f"which gateways reach it"
            )


def address_problems(key: str, uri: str, *, mem_allowed: bool, listens: bool) -> Iterator[str]:
    """Problems of one address, set by ``key``: a line each. ``listens``: the process listens there,
    else it connects."""
    if uri.startswith("inproc://") and not mem_allowed:
        yield f"{key}: mem:// reaches nobody outside this process; use ipc:// or tcp://"
    elif not uri.startswith(("inproc://", "ipc://", "tcp://")):
        yield f"{key}: {uri!r} must begin with {'mem://, ' if mem_allowed else ''}ipc:// or tcp://"
    elif uri.startswith("ipc://") and len(os.fsencode(uri[6:])) > MAX_IPC_PATH:
        path = uri[6:]
        yield (
            f"{key}: {path} is longer than the path of a socket may be, {MAX_IPC_PATH} bytes; a shorter "
            f"RUNTIME_DIR helps"
        )
    else:
        try:
            if listens:
                Listening.parse(uri)
            else:
                Address.parse(uri)
        except ConfigError as exc:
            yield f"{key}: {exc}"


def is_key_needed(uris: str) -> bool:
    """True if any of the addresses, divided by commas, has a key."""
    return any(has_key(uri.strip()) for uri in uris.split(","))


def one_port_above(uri: str) -> str:
    """The address one port above another that encrypted connections are taken at; empty for any
    other."""
    try:
        listening = Listening.parse(uri.strip())
    except ConfigError:
        return ""
    host, _, port = listening.endpoint.rpartition(":")
    if not listening.is_encrypted:
        return ""
    return str(replace(listening, endpoint=f"{host}:{int(port) + 1 if port != '*' else port}"))
