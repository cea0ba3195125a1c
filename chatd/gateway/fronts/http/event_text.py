"""The forms in which a stream's frames go over a plain response: server-sent events, or a line of
JSON for each."""

from typing import Protocol

from chatd.gateway.fronts.http.json_text import to_json
from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame

RETRY_MS = 1_000
"""A browser connects again after so long."""


class EventText(Protocol):
    """One way to write them down."""

    content_type: str
    opening: bytes
    """Stands before all."""
    alive: bytes
    """Says nothing, for proxies that end what is silent."""

    def delivery(self, event_id: bytes, text: bytes) -> bytes:
        """A delivery, in JSON."""

    def other(self, kind: str, text: str) -> bytes:
        """Anything else, in JSON."""


class ServerSentEvents:
    """As EventSource reads them."""

    content_type = "text/event-stream"
    opening = b"retry: %d\n\n" % RETRY_MS
    alive = b":\n\n"

    def delivery(self, event_id: bytes, text: bytes) -> bytes:
        return b"id: %b\ndata: %b\n\n" % (event_id, text)

    def other(self, kind: str, text: str) -> bytes:
        return f"event: {kind}\ndata: {text}\n\n".encode()


class JsonLines:
    """An object with one field in each line; a delivery's has its id too."""

    content_type = "application/x-ndjson"
    opening = b""
    alive = b"\n"

    def delivery(self, event_id: bytes, text: bytes) -> bytes:
        return b'{"id":"%b","delivery":%b}\n' % (event_id, text)

    def other(self, kind: str, text: str) -> bytes:
        return f'{{"{kind}":{text}}}\n'.encode()


class FrameTexts:
    """Frames that go out as text. One that goes to many clients one after the other is read
    once."""

    def __init__(self) -> None:
        self._last = b""
        self._read: tuple[ServerFrame, tuple[bytes, ...]] = ServerFrame(), ()

    def read(self, frame: bytes) -> tuple[ServerFrame, tuple[bytes, ...]]:
        """The frame, and each of its deliveries in JSON."""
        if frame is not self._last:
            said = ServerFrame.FromString(frame)
            texts = tuple(to_json(delivery).encode() for delivery in said.deliveries)
            self._last, self._read = frame, (said, texts)
        return self._read
