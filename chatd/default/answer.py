"""What a service's method gives back: the response itself, or what to ask of the store and how to make the response from its result.

Methods take values and return values; the node (``node.py``) does what they ask for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message

from chatd.errors import ChatdError, MalformedFrame, PermissionDenied


@dataclass(frozen=True, slots=True)
class Caller:
    """The identity a gateway authenticated; an empty profile is a gateway calling for itself."""

    profile_id: str
    operator: bool

    def require_operator(self) -> None:
        if not self.operator:
            raise PermissionDenied("this needs an operator's token")

    def require_client(self) -> None:
        if not self.profile_id:
            raise PermissionDenied("this needs an authenticated profile")

    def require_gateway(self) -> None:
        if self.profile_id:
            raise PermissionDenied("this is for gateways only")


@dataclass(frozen=True, slots=True)
class Done:
    """The response is known."""

    response: Message


@dataclass(frozen=True, slots=True)
class Write:
    """Ask the writer; ``then`` makes the response from the command's result, on the loop, after the commit."""

    command: Any
    then: Callable[[Any], Message]


@dataclass(frozen=True, slots=True)
class Read:
    """Ask a reader; ``then`` makes the response from the query's result, on the loop."""

    query: Any
    then: Callable[[Any], Message]


@dataclass(frozen=True, slots=True)
class Later:
    """The response comes from elsewhere: ``begin`` gets what to call with it, or with an error, once, on the loop."""

    begin: Callable[[Callable[[Message | ChatdError], None]], None]


Answer = Done | Write | Read | Later
Method = Callable[[Caller, bytes], Answer]
"""Raises a ChatdError to refuse."""

M = TypeVar("M", bound=Message)


def parse(message_type: type[M], payload: bytes) -> M:
    """Decode a request. Raises MalformedFrame."""
    try:
        return message_type.FromString(payload)
    except DecodeError as exc:
        raise MalformedFrame(f"the payload is not a {message_type.DESCRIPTOR.name}") from exc
