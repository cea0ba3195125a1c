"""The things around a front: the doorkeeper, its limits, and where its frames go."""

from collections.abc import Callable
from dataclasses import dataclass

from chatd.errors import ChatdError
from chatd.gateway.connection import ClientConnection
from chatd.gateway.link import Link

OnFrame = Callable[[ClientConnection, bytes], None]
Refuse = Callable[[ClientConnection, ChatdError, int], None]
"""Gets the connection, the error and the size of the refused frame in bytes."""


@dataclass(frozen=True, slots=True)
class FrontLimits:
    """``max_frame``: the largest frame taken, in bytes. ``max_unsent``: bytes that may wait for all
    clients together, of those that do not keep up. ``share_port``: other gateways of this machine
    may listen at the same address."""

    max_frame: int
    max_unsent: int
    share_port: bool = False


@dataclass(frozen=True, slots=True)
class Door:
    """The doorkeeper, as a front sees it (``Doorkeeper``)."""

    accepted: Callable[[Link, float], None]
    ended: Callable[[Link], None]
    broke: Callable[[Link, str], None]
    """Ends a connection that broke a rule of the protocol, and counts it under this reason."""
    commanded: Callable[[Link, int, float], None]
    """Ends a connection that sends too many commands of its transport."""
    is_stranger: Callable[[Link], bool]
    newcomers: Callable[[int], int]
    """The number of so many that may come now."""
    come: Callable[[Link, Callable[[], None]], None]
    """Serves a connection that was accepted, now or later (``Newcomers.come``)."""
    cost: Callable[[Link, float], None]
    """A stranger's words have taken so many seconds."""
    refused: Callable[[Link, int, float], bool]
    """Something of so many bytes is refused. False: there was so much of it that the connection has
    been ended instead (``Doorkeeper.refused``)."""
