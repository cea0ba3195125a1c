"""The sockets between default nodes and gateways: whoever opens one is trusted as a gateway or a
node, so it is said at start when any account of the machine may."""

from collections.abc import Iterable

import structlog

from chatd.core.address import is_local, split

log = structlog.get_logger()


def warn_of_open_sockets(uris: Iterable[str]) -> None:
    """One line for those of the internal addresses that neither a key nor a file's permissions
    protect: plain tcp, and abstract ipc names."""
    is_open = sorted(uri for uri in set(uris) if uri.startswith(("tcp://", "ipc://@")) and not _has_key(uri))
    if is_open:
        log.warning(
            "Every account of this machine may act as an operator: it can open the sockets between default "
            "nodes and gateways; use ipc:// paths for them",
            addresses=",".join(is_open),
        )


def _has_key(uri: str) -> bool:
    endpoint, mark, _ = split(uri)
    return bool(mark) or not is_local(endpoint)
