"""WebSocket messages, as a server reads and writes them (RFC 6455, section 5). No I/O."""

from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
PROTOCOL_ERROR, NO_UTF8, TOO_MANY_PARTS, TOO_LARGE = 1002, 1007, 1008, 1009
"""Codes that say why a WebSocket is closed."""
MAX_CONTROL_BYTES = 125
"""The size of the body of a Close, Ping or Pong, at most."""
PARTS, PART_BYTES = 16, 1_024
"""A message may come in PARTS, and one more for each PART_BYTES of it."""
_FIN, _RESERVED, _MASKED = 0x80, 0x70, 0x80
_SHORT, _MIDDLE = 126, 127
_HEAD_BYTES = {_SHORT: 8, _MIDDLE: 14}
"""A frame's bytes before its body, by the mark in place of its size; 6 without one."""


class Message(NamedTuple):
    """``data`` is a str for TEXT, bytes for every other ``kind``."""

    kind: int
    data: bytes | str


class WebSocketError(Exception):
    """The client does not speak WebSocket; it is closed with ``code``."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class WebSocketReader:
    """Takes what has come, piece by piece. Messages have ``max_size`` bytes at most."""

    __slots__ = ("_kept", "_kind", "_max_size", "_needed", "_parts", "_rest")

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self._rest: bytes | bytearray = b""  # of a frame that has begun
        self._needed = 0
        self._kind = CONTINUATION
        self._parts: list[bytes] = []
        self._kept = 0

    @property
    def unfinished(self) -> int:
        """Bytes that the message will have which has begun, as far as that is known; 0: none."""
        return self._kept + (self._needed if self._rest else 0) + len(self._parts)

    @property
    def kept(self) -> int:
        """Bytes of it that have come."""
        return self._kept + len(self._rest)

    def receive(self, data: bytes) -> list[Message]:
        """The messages that have come to their end. Raises WebSocketError."""
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return []
            data, self._rest = bytes(self._rest), b""
        messages: list[Message] = []
        at, size, needed = 0, len(data), 2
        while size - at >= 2:
            head, length = data[at], data[at + 1] ^ _MASKED
            if length > _MIDDLE:
                raise WebSocketError(PROTOCOL_ERROR, "frames of a client are masked")
            start = at + 6
            if length >= _SHORT:
                start = at + _HEAD_BYTES[length]
                if start > size:
                    needed = start - at
                    break
                length = int.from_bytes(data[at + 2 : start - 4], "big")
            self._check(head, length)
            end = start + length
            if end > size:
                needed = end - at
                break
            body = data[start:end]
            mask = data[start - 4 : start]
            if mask != b"\0\0\0\0":
                body = _unmasked(body, mask)
            at = end
            self._take(head, body, messages)
        else:
            needed = 2
        if at < size:
            self._rest, self._needed = bytearray(data[at:]), needed
        return messages

    def _check(self, head: int, length: int) -> None:
        kind = head & ~_FIN
        if head & _RESERVED:
            raise WebSocketError(PROTOCOL_ERROR, "reserved bits are set: there are no extensions")
        if kind >= CLOSE:
            if kind > PONG or head < _FIN or length > MAX_CONTROL_BYTES:
                raise WebSocketError(PROTOCOL_ERROR, "that is no control frame")
        elif kind > BINARY or (kind == CONTINUATION) != (self._kind != CONTINUATION):
            raise WebSocketError(PROTOCOL_ERROR, "no frame of this kind may come here")
        elif self._kept + length > self._max_size:
            raise WebSocketError(TOO_LARGE, f"a message may have {self._max_size:,} bytes")

    def _take(self, head: int, body: bytes, messages: list[Message]) -> None:
        kind = head & ~_FIN
        if kind >= CLOSE:
            messages.append(Message(kind, body))
            return
        if kind == CONTINUATION or head < _FIN:
            self._kind = self._kind or kind
            self._parts.append(body)
            self._kept += len(body)
            if head < _FIN:
                if len(self._parts) > PARTS + self._kept // PART_BYTES:
                    raise WebSocketError(TOO_MANY_PARTS, "a message has too many parts")
                return
            kind, body = self._kind, b"".join(self._parts)
            self._kind, self._parts, self._kept = CONTINUATION, [], 0
        if kind == BINARY:
            messages.append(Message(BINARY, body))
            return
        try:
            messages.append(Message(TEXT, body.decode()))
        except UnicodeDecodeError:
            raise WebSocketError(NO_UTF8, "a text is not UTF-8") from None


def _unmasked(body: bytes, mask: bytes) -> bytes:
    size = len(body)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(body, "little") ^ int.from_bytes(key, "little")).to_bytes(size, "little")


def encode(kind: int, body: bytes) -> bytes:
    """A whole message as a server sends it."""
    size = len(body)
    if size < _SHORT:
        return bytes((_FIN | kind, size)) + body
    if size < 65_536:
        return bytes((_FIN | kind, _SHORT)) + size.to_bytes(2, "big") + body
    return bytes((_FIN | kind, _MIDDLE)) + size.to_bytes(8, "big") + body


def encode_close(code: int, reason: str) -> bytes:
    """A Close; the reason is cut to what one may have."""
    reason = reason[: MAX_CONTROL_BYTES - 2]
    while len(said := reason.encode()) > MAX_CONTROL_BYTES - 2:
        reason = reason[:-1]
    return encode(CLOSE, code.to_bytes(2, "big") + said)
