"""WaitingCalls: the calls to default nodes that have no answer yet, until they are answered, or
late, or lost with their node."""

from collections.abc import Callable
from typing import NamedTuple

import structlog
from google.protobuf.message import DecodeError

from chatd.errors import ChatdError, Internal, TimedOut, Unavailable
from chatd.gateway.default_node import Node

log = structlog.get_logger()

OnReply = Callable[[bytes, ChatdError | None], None]
"""Gets the response's bytes and None, or no bytes and the error."""


class WaitingCall(NamedTuple):
    """``is_repeatable``: its caller may repeat it at once, wherever it was lost."""

    node: Node
    deadline: float
    on_reply: OnReply
    is_repeatable: bool


class WaitingCalls:
    """Exactly one call of ``on_reply`` for each call that is added. Times in seconds of the loop's
    clock; each call waits for the same ``timeout``."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._waiting: dict[int, WaitingCall] = {}  # in order of their deadlines
        self._lost: list[WaitingCall] = []  # what their nodes may still execute until their deadlines

    def __len__(self) -> int:
        return len(self._waiting) + len(self._lost)

    def add(self, call_id: int, call: WaitingCall) -> None:
        """The call has been sent."""
        self._waiting[call_id] = call

    def answered(self, call_id: int, payload: bytes, error: ChatdError | None) -> None:
        """Its answer has come. An answer to a call that does not wait any more is dropped."""
        call = self._waiting.pop(call_id, None)
        if call is not None:
            _answer(call.on_reply, payload, error)

    def expire(self, now: float) -> None:
        """Answer the calls whose time is up."""
        while self._waiting:
            call_id, oldest = next(iter(self._waiting.items()))
            if oldest.deadline > now:
                break
            del self._waiting[call_id]
            error = TimedOut(f"the default node did not answer in {self._timeout:g} s")
            _answer(oldest.on_reply, b"", error)
        over = [call for call in self._lost if call.deadline <= now]
        self._lost = [call for call in self._lost if call.deadline > now]
        for call in over:
            _tell_lost(call)

    def lose(self, node: Node, *, before: int, over_at: float, now: float) -> None:
        """Every call to this node with a number below ``before`` is lost, or its outcome unknown.
        Until ``over_at`` the node may execute them: a caller that cannot repeat its call without
        doing it twice is told then."""
        lost = [call_id for call_id, call in self._waiting.items() if call.node is node and call_id < before]
        for call_id in lost:
            call = self._waiting.pop(call_id)
            if over_at <= now or call.is_repeatable:
                _tell_lost(call)
            else:
                self._lost.append(call._replace(deadline=min(call.deadline, over_at)))

    def close(self) -> None:
        """Stop; callers that still wait are told Unavailable."""
        waiting = [*self._waiting.values(), *self._lost]
        self._waiting, self._lost = {}, []
        for call in waiting:
            _answer(call.on_reply, b"", Unavailable("the gateway is stopping"))


def _tell_lost(call: WaitingCall) -> None:
    _answer(call.on_reply, b"", Unavailable("the default node was lost; the outcome is unknown"))


def _answer(on_reply: OnReply, payload: bytes, error: ChatdError | None) -> None:
    """One answer must not take those behind it with it."""
    try:
        on_reply(payload, error)
    except DecodeError:
        log.exception("A default node's answer does not parse")
        on_reply(b"", Internal("the default node's answer does not parse"))
    except Exception:
        log.exception("A default node's answer could not be handled")
