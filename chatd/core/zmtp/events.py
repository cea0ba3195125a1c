"""The things that a connection says: messages, those that are none, and commands to answer with."""

from collections.abc import Callable
from typing import NamedTuple

from chatd.core.zmtp.frames import COMMAND
from chatd.errors import ChatdError


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

    def __init__(self, body: bytes, seal: Callable[[bytes, int], bytes | bytearray]) -> None:
        self._body = body
        self._seal = seal

    @property
    def wire(self) -> bytes:
        """Its bytes."""
        return bytes(self._seal(self._body, COMMAND))


Event = bytes | Delimited | Refused | Answer
"""Something that a connection has said: a message is its body."""
