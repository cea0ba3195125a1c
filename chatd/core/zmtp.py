"""ZMTP 3.1 (ZeroMQ RFC 37), the side of a ROUTER: the bytes of one connection in, messages out.

A message has one frame, or an empty delimiter and one frame, as a REQ sends it. Anything else is
refused without being kept, and so is a frame that is too large; the connection goes on.
"""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from chatd.core.curve import COMMAND as SEALED_COMMAND
from chatd.core.curve import OVERHEAD_BYTES, CurveError, CurveSession
from chatd.core.zmtp_security import Handshake, NullHandshake, SecurityError
from chatd.errors import ChatdError, FrameTooLarge, MalformedFrame

GREETING_BYTES = 64
MORE, LONG, COMMAND = 0x01, 0x02, 0x04
"""The bits of a frame's first byte."""
MAX_COMMAND_BYTES = 8_192
"""Commands of a handshake are some hundred bytes; metadata may name what it likes, within this."""
MAX_SKIPPED_PARTS = 64
"""A message of more parts than these beyond its last good one ends the connection: it may have no
end."""
SKIP_FACTOR = 4
"""A frame may be so many times as large as the limit and is passed over; one that is larger ends
the connection, as libzmq's MAXMSGSIZE would."""
MAX_COMMANDS = 500
"""Commands in what is received at once; a peer that sends more is not one that looks whether this
side lives."""
MAX_PING_CONTEXT = 16  # RFC 37, 5.4
_SHORT = 256
_TTL_BYTES = 2
_SIGNATURE_END = 9
_MAJOR = 10
_MECHANISM = slice(12, 32)
_PONG = b"\x04PONG"


class ProtocolError(Exception):
    """The connection cannot go on. ``answer`` is to be sent before it ends; empty for a peer that
    would not understand it."""

    def __init__(self, reason: str, answer: bytes = b"") -> None:
        super().__init__(reason)
        self.answer = answer


class NotZmtp3(ProtocolError):
    """The peer speaks ZMTP 1 or 2, which needs no answer that it could read, or no ZMTP."""


class _Part(Enum):
    """Which part of a message comes next: the first, the one behind a delimiter, or one of a
    message that is passed over."""

    FIRST = 0
    DELIMITED = 1
    REFUSED = 2


class Delimited(NamedTuple):
    """A message behind an empty delimiter. Its answer needs one too."""

    body: bytes


class Refused(NamedTuple):
    """A message that is none, and the size in bytes of the part that showed it. ``is_delimited``:
    it began with a delimiter, so its answer needs one too."""

    error: ChatdError
    size: int
    is_delimited: bool


class Answer:
    """A command to be sent. An open connection's is sealed as late as it is sent, since frames that
    were sealed before must have gone before: so read ``wire`` once, then."""

    __slots__ = ("_body", "_seal")

    def __init__(self, body: bytes, seal: Callable[[bytes, int], bytes]) -> None:
        self._body = body
        self._seal = seal

    @property
    def wire(self) -> bytes:
        """Its bytes."""
        return self._seal(self._body, COMMAND)


Event = bytes | Delimited | Refused | Answer
"""What a connection has said: a message is its body."""


def frame(body: bytes, flags: int = 0) -> bytes:
    """One frame as it is sent."""
    size = len(body)
    if size < _SHORT:
        return bytes((flags, size)) + body
    return bytes((flags | LONG,)) + size.to_bytes(8, "big") + body


DELIMITER = frame(b"", MORE)


def command(name: bytes, body: bytes = b"") -> bytes:
    """One command as it is sent."""
    return frame(bytes((len(name),)) + name + body, COMMAND)


def error_command(reason: str) -> bytes:
    """An ERROR command. The reason is ASCII, at most 255 characters."""
    text = reason.encode("ascii", "replace")[:255]
    return command(b"ERROR", bytes((len(text),)) + text)


def greeting(mechanism: bytes, *, as_server: bool) -> bytes:
    """The 64 bytes that every connection begins with."""
    start = b"\xff" + bytes(8) + b"\x7f\x03\x01" + mechanism.ljust(20, b"\0") + bytes((as_server,))
    return start.ljust(GREETING_BYTES, b"\0")


class Connection:
    """One connection. ``opening`` is to be sent first; ``receive`` takes what has come and returns
    what it means. ``max_body`` is the largest body taken, in bytes."""

    __slots__ = (
        "_handshake",
        "_kept",
        "_max_body",
        "_needed",
        "_part",
        "_read",
        "_session",
        "_skip",
        "_skipped",
        "commands",
    )

    def __init__(self, *, max_body: int, handshake: Handshake | None = None) -> None:
        self._max_body = max_body
        self._handshake: Handshake = handshake or NullHandshake()
        self._session: CurveSession | None = None
        self._kept = bytearray()
        self._needed = 1
        self._read: Callable[[bytes], list[Event]] = self._read_greeting
        self._part = _Part.FIRST
        self._skip = 0
        self._skipped = 0
        self.commands = 0
        """Commands that came with the last ``receive``, answered or not."""

    @property
    def opening(self) -> bytes:
        """The first bytes of this side; they wait for nothing."""
        start = greeting(self._handshake.name, as_server=self._handshake.as_server)
        said = self._handshake.opening
        return start + command(*said) if said is not None else start

    @property
    def is_ready(self) -> bool:
        """True when the handshake is over."""
        return self._handshake.is_over

    @property
    def is_plain(self) -> bool:
        """True if the same bytes may go to many connections (``frame``)."""
        return self._session is None

    @property
    def client_key(self) -> bytes:
        """The client's public key, proved to be its own; empty without encryption."""
        return self._handshake.client_key

    def seal(self, body: bytes, flags: int = 0) -> bytes:
        """One frame as it is sent on this connection. It must be sent, and before the next."""
        if self._session is None:
            return frame(body, flags)
        return frame(self._session.seal(body, SEALED_COMMAND if flags & COMMAND else flags & MORE))

    @property
    def kept(self) -> int:
        """Bytes of an unfinished frame that are held."""
        return len(self._kept)

    @property
    def unfinished(self) -> int:
        """Bytes that the frame will have that has begun to come, as far as that is known; 0: none
        has. A frame that is passed over counts as one byte."""
        return self._needed if self._kept else min(1, self._skip)

    def receive(self, data: bytes) -> list[Event]:
        """Raises ProtocolError; what came with the error's cause is lost."""
        self.commands = 0
        if self._kept:
            self._kept += data
            if len(self._kept) < self._needed:
                return []
            data, self._kept = bytes(self._kept), bytearray()
        return self._read(data)

    def _keep(self, data: bytes, needed: int) -> None:
        """Wait until there are ``needed`` bytes, beginning with these."""
        self._kept += data
        self._needed = needed

    def _read_greeting(self, data: bytes) -> list[Event]:
        if not data:
            return []
        if data[0] != 0xFF or (len(data) > _SIGNATURE_END and not data[_SIGNATURE_END] & 1):
            raise NotZmtp3("the peer speaks ZMTP 1, or no ZMTP")
        if len(data) > _MAJOR and data[_MAJOR] < 3:
            raise NotZmtp3("the peer speaks ZMTP 2")
        if len(data) < GREETING_BYTES:
            self._keep(data, len(data) + 1)
            return []
        if data[_MECHANISM].rstrip(b"\0") != self._handshake.name:
            raise ProtocolError("the peer wants another security mechanism")
        self._read = self._read_handshake
        return self._read(data[GREETING_BYTES:])

    def _read_handshake(self, data: bytes) -> list[Event]:
        size = len(data)
        start = _body_at(data)
        if start > size:
            self._keep(data, start)
            return []
        end = start + _body_size(data, start)
        if data[0] & ~LONG != COMMAND or end - start > MAX_COMMAND_BYTES:
            raise ProtocolError("the peer does not shake hands", error_command("a READY is missing"))
        if end > size:
            self._keep(data, end)
            return []
        name, body = split_command(data[start:end])
        if name == b"ERROR":
            raise ProtocolError("the peer refuses the connection")
        try:
            answers = self._handshake.command(name, body)
        except SecurityError as exc:
            raise ProtocolError(str(exc), error_command(exc.answer) if exc.answer else b"") from exc
        events: list[Event] = [Answer(answer, frame) for answer in answers]
        if self._handshake.is_over:
            self._session = self._handshake.session
            self._read = self._read_traffic if self._session is None else self._read_sealed
        return events + self._read(data[end:])

    def _read_traffic(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        at, size, max_body = 0, len(data), self._max_body
        if self._skip:
            at = min(self._skip, size)
            self._skip -= at
        while at < size:
            flags = data[at]
            if flags & LONG:
                start = at + 9
                if start > size:
                    self._keep(data[at:], 9)
                    break
                length = int.from_bytes(data[at + 1 : start], "big")
            else:
                start = at + 2
                if start > size:
                    self._keep(data[at:], 2)
                    break
                length = data[at + 1]
            end = start + length
            if flags & ~LONG or length > max_body or self._part is not _Part.FIRST:
                if not self._is_taken(flags, length, events):
                    self._skip = max(0, end - size)
                    at = min(end, size)
                    continue
            elif end <= size:
                events.append(data[start:end])
                at = end
                continue
            if end > size:
                self._keep(data[at:], end - at)
                break
            self._take(flags, data[start:end], events)
            at = end
        return events

    def _read_sealed(self, data: bytes) -> list[Event]:
        """Each frame is a sealed one. One that is too large cannot be passed over: the next would
        not be the next."""
        events: list[Event] = []
        at, size = 0, len(data)
        while at < size:
            start = at + (9 if data[at] & LONG else 2)
            if start > size:
                self._keep(data[at:], start - at)
                break
            end = start + int.from_bytes(data[at + 1 : start], "big")
            if data[at] & ~(LONG | COMMAND) or end - start > self._max_body + OVERHEAD_BYTES:
                raise ProtocolError("a sealed frame is too large, or not one")
            if end > size:
                self._keep(data[at:], end - at)
                break
            self._open(data[start:end], events)
            at = end
        return events

    def _open(self, sealed: bytes, events: list[Event]) -> None:
        assert self._session is not None
        try:
            inner, body = self._session.open(sealed)
        except CurveError as exc:
            raise ProtocolError(str(exc)) from exc
        flags = COMMAND if inner & SEALED_COMMAND else inner & MORE
        try:
            if self._is_taken(flags, len(body), events):
                self._take(flags, body, events)
        except ProtocolError as exc:
            exc.answer = b""  # after an ERROR that is not sealed libzmq never comes again
            raise

    def _is_taken(self, flags: int, length: int, events: list[Event]) -> bool:
        """False: the frame is passed over. Raises ProtocolError."""
        if flags & COMMAND:
            if flags & ~(COMMAND | LONG) or length > MAX_COMMAND_BYTES:
                raise ProtocolError("a command is too long, or has flags", error_command("invalid command"))
            return True
        if flags & ~(MORE | LONG):
            raise ProtocolError("a frame has unknown flags", error_command("invalid flags"))
        if length > SKIP_FACTOR * self._max_body:
            raise ProtocolError("a frame is far too large", error_command("the frame is too large"))
        more = flags & MORE
        if self._part is _Part.REFUSED:
            self._skipped += 1
            if self._skipped > MAX_SKIPPED_PARTS:
                raise ProtocolError("a message has no end", error_command("too many parts"))
        elif more and (length or self._part is _Part.DELIMITED):
            malformed = MalformedFrame("a message has one frame, or an empty one before it")
            events.append(Refused(malformed, length, self._part is _Part.DELIMITED))
            self._skipped = 0
        elif length > self._max_body:
            error = FrameTooLarge(f"{length} bytes; the limit is {self._max_body}")
            events.append(Refused(error, length, self._part is _Part.DELIMITED))
        else:
            return True
        self._part = _Part.REFUSED if more else _Part.FIRST
        return False

    def _take(self, flags: int, body: bytes, events: list[Event]) -> None:
        if flags & COMMAND:
            self.commands += 1
            if self.commands > MAX_COMMANDS:
                raise ProtocolError("too many commands", error_command("too many commands"))
            name, rest = split_command(body)
            if name == b"PING":
                pong = _PONG + rest[_TTL_BYTES : _TTL_BYTES + MAX_PING_CONTEXT]
                events.append(Answer(pong, self.seal))
            elif name == b"ERROR":
                raise ProtocolError("the peer ends the connection")
        elif flags & MORE:
            self._part = _Part.DELIMITED
        elif self._part is _Part.DELIMITED:
            self._part = _Part.FIRST
            events.append(Delimited(body))
        else:
            events.append(body)


def _body_at(data: bytes) -> int:
    """The index at which the first frame's body begins."""
    return 9 if data[:1] and data[0] & LONG else 2


def _body_size(data: bytes, start: int) -> int:
    return int.from_bytes(data[1:start], "big")


def split_command(body: bytes) -> tuple[bytes, bytes]:
    """A command's name and the rest. Raises ProtocolError."""
    end = 1 + body[0] if body else 1
    if end > len(body):
        raise ProtocolError("a command has no name", error_command("invalid command"))
    return body[1:end], body[end:]
