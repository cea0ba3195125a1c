"""The forms in which frames go over a WebSocket: protobuf, or JSON."""

import re
from typing import Protocol

from chatd.core.websocket import BINARY, TEXT, encode
from chatd.errors import ChatdError, MalformedFrame
from chatd.gateway.fronts.http.json_text import message_from, to_json
from chatd.pb.gateway.v1.gateway_pb2 import Ack, ClientFrame, ServerFrame

_ACK = re.compile(
    r'\{ ?"ack" ?: ?\{ ?"up_to" ?: ?("?)([1-9][0-9]{,17})\1(?: ?, ?"epoch" ?: ?("?)([1-9][0-9]{,17})\3)? ?\} ?\}'
)
"""An Ack as most clients write it: protobuf's own reader takes ten times as long."""


class Form(Protocol):
    """The form of frames under ``subprotocol``."""

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
        self._wire = encode(BINARY, b"")

    def wire(self, frame: bytes) -> bytes:
        if frame is not self._last:
            self._last, self._wire = frame, encode(BINARY, frame)
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
        self._wire = encode(TEXT, b"{}")

    def wire(self, frame: bytes) -> bytes:
        if frame is not self._last:
            text = to_json(ServerFrame.FromString(frame))
            self._last, self._wire = frame, encode(TEXT, text.encode())
        return self._wire

    def frame(self, data: bytes | str) -> bytes:
        if not isinstance(data, str):
            raise MalformedFrame(f"frames of {self.subprotocol} are text messages")
        ack = _ACK.fullmatch(data)
        if ack is not None:
            _, up_to, _, epoch = ack.groups("0")
            return ClientFrame(ack=Ack(up_to=int(up_to), epoch=int(epoch))).SerializeToString()
        try:
            return message_from(data.encode(), ClientFrame).SerializeToString()
        except (ChatdError, UnicodeEncodeError) as exc:
            raise MalformedFrame(f"the message is no ClientFrame: {exc}") from None
