"""Refusals: each refused frame is answered with its error, as long as its client stays within the
limits of refusals."""

from chatd.core.counter import Counter
from chatd.errors import ChatdError
from chatd.gateway.admission import Admission
from chatd.gateway.connection import ClientConnection
from chatd.gateway.device_sender import DeviceSender


class Refusals:
    """Sizes are in bytes, of the refused frame."""

    def __init__(self, admission: Admission, sender: DeviceSender) -> None:
        self._admission = admission
        self._sender = sender
        self.refused = Counter("frames_refused", "frames and calls of clients that the gateway refused")

    def frame(
        self, peer: ClientConnection, error: ChatdError, size: int, *, kind: str = "", hello_id: int = 0
    ) -> None:
        """Refuse a frame of the stream of this kind; ``hello_id`` is a Hello's."""
        self.refused.add()
        if self._admission.may_be_told(peer, size):
            self._sender.refuse(peer, error, kind=kind, hello_id=hello_id)
        else:
            self._sender.end(peer, error)

    def call(self, peer: ClientConnection, call_id: int, error: ChatdError, size: int) -> None:
        """Refuse a call."""
        self.refused.add()
        if self._admission.may_be_told(peer, size):
            self._sender.reply(peer.link, call_id, b"", error)
        else:
            self._sender.end(peer, error)
