"""LinkOwner: the front, as its links see it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from chatd.core.zmtp import Handshake
from chatd.gateway.connection import ClientConnection
from chatd.gateway.fronts.bounds import UnfinishedFrames
from chatd.gateway.fronts.clogging import Unsent
from chatd.gateway.fronts.door import Door, FrontLimits, OnFrame, Refuse

if TYPE_CHECKING:
    from chatd.gateway.fronts.zmtp_link import ZmtpLink


class LinkOwner(Protocol):
    """The things that the links of a front share."""

    limits: FrontLimits
    door: Door
    unsent: Unsent
    unfinished: "UnfinishedFrames[ZmtpLink]"
    on_frame: OnFrame
    refuse: Refuse
    on_room: Callable[[ClientConnection], None]

    def now(self) -> float:
        """Seconds of the loop's clock."""

    def later(self, seconds: float, action: Callable[[], None]) -> object: ...

    def handshake(self) -> Handshake:
        """The handshake of a new connection."""

    def heard(self) -> None:
        """Something was handed on."""

    def prepare(self, body: bytes) -> bytes:
        """The body as it is sent without encryption."""

    def flush_soon(self, link: "ZmtpLink") -> None:
        """The link has something to write at the end of this turn."""

    def lost(self, link: "ZmtpLink") -> None:
        """The connection has ended."""
