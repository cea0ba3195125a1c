"""The sockets between default nodes and gateways: whoever opens one is trusted as a gateway or a
node, so it is said at start when any account of the machine may."""

from collections.abc import Iterable

import structlog

log = structlog.get_logger()


def warn_of_open_sockets(uris: Iterable[str]) -> None:
    """One line for those of the internal addresses that no file's permissions protect: tcp, and
    abstract ipc names."""
    is_open = sorted(uri for uri in set(uris) if uri.startswith(("tcp://", "ipc://@")))
    if is_open:
        log.warning(
            "Every account of this machine may act as an operator: it can open the sockets between default "
            "nodes and gateways; use ipc:// paths for them",
            addresses=",".join(is_open),
        )
