"""Exchange: one request of a client, and its calls."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import thread_time
from typing import cast

from aiohttp import StreamReader
from aiohttp.web import BaseRequest, StreamResponse

from chatd.errors import (
    ChatdError,
    FrameTooLarge,
    InvalidArgument,
    MalformedFrame,
    Unauthenticated,
    Unavailable,
)
from chatd.gateway.authentication.identity import Identity
from chatd.gateway.doorkeeper import REFUSAL_BYTES
from chatd.gateway.fronts.answers import payload_of
from chatd.gateway.fronts.bounds import STRANGER_BYTES, UnfinishedFrames
from chatd.gateway.fronts.door import Door, OnFrame, Refuse
from chatd.gateway.fronts.http.connection import HttpConnection
from chatd.gateway.fronts.request_link import RequestLink, Speaker
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, RpcRequest, ServerFrame

ACT_FOR = "Chatd-Profile"
"""The header by which an operator names the profile to call as."""
_BEARER = "bearer "
REFUSAL_SECONDS = 25e-6
"""So much time for a stranger's request counts as one refusal more: those of an address have a
tenth of the loop's."""
REQUEST_SECONDS = 100e-6
"""Any request takes so long before it is looked at, and after."""
MAX_AROUND = 65_536
"""Bytes around a body's own: chunks of a byte have six."""


class _Answer:
    """Waits for the answer to one call."""

    def __init__(self, answer: "asyncio.Future[ServerFrame]") -> None:
        self._answer = answer

    def send(self, frame: bytes) -> bool:
        if self._answer.done():
            return False
        self._answer.set_result(ServerFrame.FromString(frame))
        return True

    def ended(self) -> None:
        if not self._answer.done():
            self._answer.set_exception(Unavailable("the connection was ended"))


@dataclass(frozen=True, slots=True)
class Hearing:
    """The things by which what clients say is heard: ``on_frame`` handles a frame, ``refuse``
    refuses what is none, and ``heard`` is told that something was handed on. Bodies have
    ``max_frame`` bytes at most."""

    door: Door
    unfinished: UnfinishedFrames[RequestLink]
    max_frame: int
    on_frame: OnFrame
    refuse: Refuse
    heard: Callable[[], None]
    now: Callable[[], float]


class Exchange:
    """``request`` came over ``link``."""

    __slots__ = ("_began", "_hearing", "_seconds", "_was_heard", "link", "request")

    def __init__(self, request: BaseRequest, link: RequestLink, hearing: Hearing) -> None:
        self.request = request
        self.link = link
        self._hearing = hearing
        self._began = self._seconds = 0.0
        self._was_heard = False

    def header(self, name: str) -> str:
        """Empty without one. Raises InvalidArgument."""
        text = self.request.headers.get(name, "")
        if not text.isascii() and any(
            "\udc80" <= one <= "\udcff" for one in text
        ):  # aiohttp's undecodable bytes
            raise InvalidArgument(f"the header {name} is not UTF-8")
        return text

    @property
    def token(self) -> str:
        """The bearer token. Raises Unauthenticated without one."""
        given = self.header("Authorization")
        token = given[len(_BEARER) :].strip() if given[: len(_BEARER)].lower() == _BEARER else ""
        if not token:
            raise Unauthenticated("the header Authorization: Bearer TOKEN is missing")
        return token

    async def body(self) -> bytes:
        """All of the request's body. Raises FrameTooLarge, MalformedFrame."""
        content, most = self.request.content, self._hearing.max_frame
        size = most if self.request.content_length is None else self.request.content_length
        if size > most:
            raise _too_large(most)
        if size > STRANGER_BYTES and self._hearing.door.is_stranger(self.link):
            await self.authenticate()  # large JSON takes long to read
        if self.request.headers.get("Content-Encoding", "identity") != "identity":
            raise InvalidArgument("the body must not be compressed")
        body = await content.read() if content.is_eof() else await self._body_in_parts(content, most)
        if len(body) > most:
            raise _too_large(most)
        if self._hearing.door.is_stranger(self.link):
            self._began = thread_time()
        return body

    async def authenticate(self) -> Identity:
        """The caller. Raises ChatdError if the token is not good."""
        frame = self._call("ChatService/WatchPresence")
        with suppress(InvalidArgument):  # said by the gateway to those it knows: there is no stream
            await self._answer_to(frame)
        connection = self.link.connection
        assert connection is not None
        assert connection.caller is not None
        return connection.caller

    async def _body_in_parts(self, content: StreamReader, most: int) -> bytes:
        link, unfinished = self.link, self._hearing.unfinished
        link.unfinished = self.request.content_length or most
        parts: list[bytes] = []
        kept = 0
        try:
            unfinished.note(link, link.unfinished, kept, moved=False)
            async for part in content.iter_any():
                parts.append(part)
                kept += len(part)
                if kept > most:
                    break
                if self.connection.unheard > kept + MAX_AROUND:
                    self._hearing.door.broke(link, "small chunks")
                unfinished.note(link, link.unfinished, kept, moved=False)
        except ConnectionError as exc:
            raise MalformedFrame("the body ended early") from exc
        finally:
            link.unfinished = 0
            unfinished.note(link, 0, 0, moved=True)
        return b"".join(parts)

    async def call(self, method: str, payload: bytes, *, affinity: str = "", request_id: str = "") -> bytes:
        """Ask a default node; its encoded answer. Raises ChatdError."""
        return await self._answer_to(self._call(method, payload, affinity, request_id))

    def _call(
        self, method: str, payload: bytes = b"", affinity: str = "", request_id: str = ""
    ) -> ClientFrame:
        return ClientFrame(
            call=RpcRequest(
                call_id=1,
                method=method,
                payload=payload,
                token=self.token,
                profile_id=self.header(ACT_FOR),
                affinity="" if "\0" in affinity else affinity,  # the node refuses it by its name
                request_id=request_id,
            )
        )

    async def _answer_to(self, frame: ClientFrame) -> bytes:
        await self.link.turn()
        answer: asyncio.Future[ServerFrame] = asyncio.get_running_loop().create_future()
        self.link.speaker = _Answer(answer)
        try:
            self.hear(frame.SerializeToString())
            said = await answer
        finally:
            self.link.speaker = None
        return payload_of(said)

    @contextmanager
    def speaking(self, speaker: Speaker) -> Iterator[None]:
        """Meanwhile the client gets what is for it by ``speaker``."""
        self.link.speaker = speaker
        try:
            yield
        finally:
            self.link.speaker = None

    def hear(self, frame: bytes) -> None:
        """The client has said a ClientFrame."""
        link, hearing = self.link, self._hearing
        self._was_heard = True
        if hearing.door.is_stranger(link) and not self._began:
            self._began = thread_time()
        hearing.on_frame(link.heard(hearing.now()), frame)
        self._charge()
        hearing.heard()

    def _charge(self) -> None:
        """A stranger pays for the time since its body had come, or was heard."""
        if self._began and self._hearing.door.is_stranger(self.link):
            seconds = thread_time() - self._began
            self._hearing.door.cost(self.link, seconds)
            self._seconds += seconds
        self._began = 0.0

    def answered(self, response: StreamResponse) -> None:
        """The response is ready. A request that was not handed on counts as a refused frame of the
        bytes of both, and a stranger's counts by the time it took, too."""
        self._charge()
        door = self._hearing.door
        is_strangers = door.is_stranger(self.link)
        if self._was_heard and not is_strangers:
            return
        size = self.request.content.total_bytes + (response.content_length or 0)
        if is_strangers:
            seconds = self._seconds + REQUEST_SECONDS
            door.cost(self.link, REQUEST_SECONDS)
            size += int(seconds / REFUSAL_SECONDS * REFUSAL_BYTES)
        door.refused(self.link, size, self._hearing.now())

    def refuse(self, error: ChatdError, size: int) -> None:
        """The client has said something of so many bytes that is no frame."""
        self._hearing.refuse(self.link.heard(self._hearing.now()), error, size)
        self._hearing.heard()

    def unfinished(self, expected: int, kept: int, *, moved: bool) -> None:
        """``kept`` of ``expected`` bytes of a message have come. ``moved``: an earlier one has come
        to its end."""
        self.link.unfinished = expected
        self._hearing.unfinished.note(self.link, expected, kept, moved=moved)

    def commanded(self) -> None:
        """The client has sent a command of its transport."""
        self._hearing.door.commanded(self.link, 1, self._hearing.now())

    @property
    def max_frame(self) -> int:
        """Bytes that a frame may have."""
        return self._hearing.max_frame

    @property
    def connection(self) -> HttpConnection:
        """The connection that the request came over."""
        return cast(HttpConnection, self.request.protocol)

    @property
    def transport(self) -> asyncio.WriteTransport:
        """Where the client is written to. Raises Unavailable if it has gone."""
        transport = self.request.transport
        if transport is None:
            raise Unavailable("the connection was ended")
        return transport


def _too_large(most: int) -> FrameTooLarge:
    return FrameTooLarge(f"a request may have {most:,} bytes")
