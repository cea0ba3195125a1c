"""ProcessCalls: the calls of operators that are about one running process, such as its log level.
They come to it in different ways; here is what it does."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog
from google.protobuf.message import DecodeError, Message

from chatd.errors import ChatdError, Internal, MalformedFrame, UnknownMethod

log = structlog.get_logger()

M = TypeVar("M", bound=Message)
Answered = Callable[[bytes, ChatdError | None], None]
"""Gets the response's bytes and None, or no bytes and the error."""


@dataclass(frozen=True, slots=True)
class ProcessCall(Generic[M]):
    """A row: ``ProcessCall("AdminService/SetLogLevel", SetLogLevelRequest, self.set_log_level)``.
    ``method`` raises a ChatdError to refuse."""

    name: str
    request: type[M]
    method: Callable[[M], Awaitable[Message]]

    async def answer(self, payload: bytes) -> bytes:
        try:
            request = self.request.FromString(payload)
        except DecodeError as exc:
            raise MalformedFrame(f"the payload is not a {self.request.DESCRIPTOR.name}") from exc
        return (await self.method(request)).SerializeToString()


class ProcessCalls:
    """Made early; each part of the process ``add``s its rows when it is made."""

    def __init__(self) -> None:
        self._rows: dict[str, ProcessCall[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, *rows: ProcessCall[Any]) -> None:
        self._rows |= {row.name: row for row in rows}

    def call(self, name: str, payload: bytes, answered: Answered) -> None:
        """Do it; ``answered`` is called once, on the loop."""
        task = asyncio.get_running_loop().create_task(self._run(name, payload, answered), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, name: str, payload: bytes, answered: Answered) -> None:
        try:
            response = await self.answer(name, payload)
        except ChatdError as exc:
            answered(b"", exc)
        else:
            answered(response, None)

    async def answer(self, name: str, payload: bytes) -> bytes:
        """The response, encoded. Raises a ChatdError."""
        row = self._rows.get(name)
        if row is None:
            raise UnknownMethod(f"this process knows nothing of {name}")
        try:
            return await row.answer(payload)
        except ChatdError:
            raise
        except Exception as exc:
            log.exception("An operator's call could not be answered", method=name)
            raise Internal(f"the call could not be answered: {type(exc).__name__}") from exc
