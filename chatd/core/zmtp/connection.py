"""One connection of ZMTP, the side of a ROUTER: its bytes in, messages out."""

from collections.abc import Callable

from chatd.core.curve import COMMAND as SEALED_COMMAND
from chatd.core.curve import OVERHEAD_BYTES, CurveError, CurveSession
from chatd.core.zmtp.errors import NoHandshake, NotZmtp3, OtherSecurity, ProtocolError
from chatd.core.zmtp.events import Answer, Delimited, Event, Refused
from chatd.core.zmtp.frames import (
    COMMAND,
    GREETING_BYTES,
    LONG,
    MAX_COMMAND_BYTES,
    MORE,
    body_at,
    body_size,
    command,
    error_command,
    frame,
    frame_head,
    greeting,
    split_command,
)
from chatd.core.zmtp.part import FIRST, Part
from chatd.core.zmtp.security import Handshake, NullHandshake, SecurityError
from chatd.errors import FrameTooLarge, MalformedFrame

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
_TTL_BYTES = 2
_SIGNATURE_END = 9
_MAJOR = 10
_MECHANISM = slice(12, 32)
_PONG = b"\x04PONG"


class Connection:
    """One connection. ``opening`` is to be sent first; ``receive`` takes what has come and returns
    what it means. ``max_body`` is the largest body taken, in bytes."""

    __slots__ = (
        "_handshake",
        "_is_clear",
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
        self._is_clear = False  # plain messages are heard, and the next byte begins one
        self._kept = bytearray()
        self._needed = 1
        self._read: Callable[[bytes], list[Event]] = self._read_greeting
        self._part = FIRST
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

    def seal(self, body: bytes, flags: int = 0) -> bytes | bytearray:
        """One frame as it is sent on this connection. It must be sent, and before the next."""
        if self._session is None:
            return frame(body, flags)
        head = frame_head(len(body) + OVERHEAD_BYTES)
        return self._session.seal_behind(head, body, SEALED_COMMAND if flags & COMMAND else flags & MORE)

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

    def lone(self, data: bytes) -> bytes | None:
        """The message, if this is one short message and nothing else is under way; None: ask
        ``receive``. Nearly all that devices say are acks, and come so."""
        if len(data) < 2 or data[0] or data[1] != len(data) - 2 or data[1] > self._max_body:
            return None
        return data[2:] if self._is_clear else None

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
            raise OtherSecurity("the peer wants another security mechanism")
        self._read = self._read_handshake
        return self._read(data[GREETING_BYTES:])

    def _read_handshake(self, data: bytes) -> list[Event]:
        size = len(data)
        start = body_at(data)
        if start > size:
            self._keep(data, start)
            return []
        end = start + body_size(data, start)
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
            kind = ProtocolError if exc.answer else NoHandshake
            raise kind(str(exc), error_command(exc.answer) if exc.answer else b"") from exc
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
            if flags & ~LONG or length > max_body or self._part is not FIRST:
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
        self._is_clear = not self._kept and not self._skip and self._part is FIRST
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
        if self._part is Part.REFUSED:
            self._skipped += 1
            if self._skipped > MAX_SKIPPED_PARTS:
                raise ProtocolError("a message has no end", error_command("too many parts"))
        elif more and (length or self._part is Part.DELIMITED):
            malformed = MalformedFrame("a message has one frame, or an empty one before it")
            events.append(Refused(malformed, length, self._part is Part.DELIMITED))
            self._skipped = 0
        elif length > self._max_body:
            error = FrameTooLarge(f"{length} bytes; the limit is {self._max_body}")
            events.append(Refused(error, length, self._part is Part.DELIMITED))
        else:
            return True
        self._part = Part.REFUSED if more else FIRST
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
            self._part = Part.DELIMITED
        elif self._part is Part.DELIMITED:
            self._part = FIRST
            events.append(Delimited(body))
        else:
            events.append(body)
