"""Link: how one client is reached, whatever carries its connection. Each front makes links of its
own kind."""

from typing import Protocol


class Link(Protocol):
    """One client's connection. Links are told apart by identity."""

    def __hash__(self) -> int: ...

    @property
    def address(self) -> str:
        """The key that limits of addresses count by: an IPv4 address or an IPv6 /64; empty for
        local sockets, which have no such limit."""

    def send(self, frame: bytes) -> bool:
        """Send one encoded ServerFrame without waiting. False: nothing was sent, the client has
        gone or does not keep up."""

    def hang_up(self) -> None:
        """End the connection; frames that are still on their way are not heard."""
