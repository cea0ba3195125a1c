"""The forms in which frames go over a WebSocket: protobuf, or JSON."""

from typing import Protocol

from chatd.errors import ChatdError, MalformedFrame
from chatd.gateway.fronts.http.json_text import message_from, to_json
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, ServerFrame

_TEXT, _BINARY = 0x81, 0x82  # a whole message of its kind


class Form(Protocol):
    """How ``subprotocol`` says frames."""

    subprotocol: str

    def wire(self, frame: bytes) -> bytes:
        """A message of the WebSocket with an encoded ServerFrame. One that goes to many clients one
        after the other is made once."""

    def frame(self, data: bytes | str) -> bytes:
        """The encoded ClientFrame in a message. Raises MalformedFrame."""


class ProtobufForm:
    """Frames as they are, in binary messages."""

    subprotocol = "chatd.v1.proto"

    def __init__(self) -> None:
        self._last = b""
        self._wire = message(_BINARY, b"")

    def wire(self, frame: bytes) -> bytes:
        if frame is not self._last:
            self._last, self._wire = frame, message(_BINARY, frame)
        return self._wire

    def frame(self, data: bytes | str) -> bytes:
        if isinstance(data, str):
            raise MalformedFrame(f"frames of {self.subprotocol} are binary messages")
        return data


class JsonForm:
    """Frames in protobuf's JSON, in text messages."""

    subprotocol = "chatd.v1.json"

    def __init__(self) -> None:
        self._last = b""
        self._wire = message(_TEXT, b"{}")

    def wire(self, frame: bytes) -> bytes:
        if frame is not self._last:
            text = to_json(ServerFrame.FromString(frame))
            self._last, self._wire = frame, message(_TEXT, text.encode())
        return self._wire

    def frame(self, data: bytes | str) -> bytes:
        if not isinstance(data, str):
            raise MalformedFrame(f"frames of {self.subprotocol} are text messages")
        try:
            return message_from(data.encode(), ClientFrame).SerializeToString()
        except (ChatdError, UnicodeEncodeError) as exc:
            raise MalformedFrame(f"the message is no ClientFrame: {exc}") from None


def message(head: int, body: bytes) -> bytes:
    """A whole message of a WebSocket as a server sends it (RFC 6455, section 5.2)."""
    size = len(body)
    if size < 126:
        return bytes((head, size)) + body
    if size < 65_536:
        return bytes((head, 126)) + size.to_bytes(2, "big") + body
    return bytes((head, 127)) + size.to_bytes(8, "big") + body
