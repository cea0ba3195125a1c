"""Link: how one client is reached, whatever carries its connection. Each front makes links of its
own kind."""

from typing import Protocol


class Tap(Protocol):
    """An operator looks at a stream."""

    def sent(self, frame: bytes) -> None:
        """An encoded ServerFrame leaves."""

    def received(self, frame: bytes) -> None:
        """An encoded ClientFrame has come."""


class Link(Protocol):
    """One client's connection. Links are told apart by identity."""

    is_full: bool
    """True while so much waits to be sent that deliveries had better stay in the outbox. The front
    writes it, and tells when there is room again."""

    refuses_calls: bool
    """True while it is full because so much waits for all clients together: then its calls are
    refused. If it is its own alone, they are answered, and at last wait. The front writes it."""

    stranger_cost: float
    """Seconds that its address has been charged with, for as long as it has not authenticated.
    Newcomers writes it."""

    is_request: bool
    """True if it lasts as long as one request of a client who may make others: then it is no
    newcomer of its profile."""

    has_ended: bool
    """True as soon as nothing more is heard of the client. The front writes it."""

    tap: "Tap | None"
    """Sees the frames of the connection's stream; None: nobody traces it. Tracing writes it, and
    the front takes it off when another stream begins on the connection."""

    def __hash__(self) -> int: ...

    @property
    def has_stream(self) -> bool:
        """True with a stream, or on the way to one."""

    @property
    def client_key(self) -> bytes:
        """The public key that the client has shown to be its own; empty without encryption."""

    @property
    def address(self) -> str:
        """The key that limits of addresses count by: an IPv4 address or an IPv6 /64; empty for
        local sockets, which have no such limit."""

    @property
    def origin(self) -> str:
        """The client's IP address as operators are shown it; "local" for local sockets."""

    def send(self, frame: bytes) -> bool:
        """Send one encoded ServerFrame without waiting. False: nothing was sent, the client has
        gone."""

    def hold(self) -> None:
        """Hear no more frames until ``go_on``. The client's next frames wait, at last with the
        client."""

    def go_on(self) -> None: ...

    def hang_up(self) -> None:
        """End the connection; frames that are still on their way are not heard."""
