"""ZMTP 3.1 (ZeroMQ RFC 37), the side of a ROUTER: the bytes of one connection in, messages out. No
I/O, no clock.

A message has one frame, or an empty delimiter and one frame, as a REQ sends it. Anything else is
refused without being kept, and so is a frame that is too large; the connection goes on.
"""

from chatd.core.zmtp.connection import (
    MAX_COMMANDS,
    MAX_PING_CONTEXT,
    MAX_SKIPPED_PARTS,
    SKIP_FACTOR,
    Connection,
)
from chatd.core.zmtp.errors import NoHandshake, NotZmtp3, OtherSecurity, ProtocolError
from chatd.core.zmtp.events import Answer, Delimited, Event, Refused
from chatd.core.zmtp.frames import (
    COMMAND,
    DELIMITER,
    LONG,
    MAX_COMMAND_BYTES,
    MORE,
    command,
    error_command,
    frame,
    greeting,
)
from chatd.core.zmtp.security import CurveHandshake, Handshake, NullHandshake

__all__ = [
    "COMMAND",
    "DELIMITER",
    "LONG",
    "MAX_COMMANDS",
    "MAX_COMMAND_BYTES",
    "MAX_PING_CONTEXT",
    "MAX_SKIPPED_PARTS",
    "MORE",
    "SKIP_FACTOR",
    "Answer",
    "Connection",
    "CurveHandshake",
    "Delimited",
    "Event",
    "Handshake",
    "NoHandshake",
    "NotZmtp3",
    "NullHandshake",
    "OtherSecurity",
    "ProtocolError",
    "Refused",
    "command",
    "error_command",
    "frame",
    "greeting",
]
