"""Every method of ChatService over gRPC, its payload forwarded unread."""

import asyncio
from collections.abc import Mapping

from grpc.aio import EOF, ServicerContext

from chatd.errors import ChatdError, InvalidId, MalformedFrame, TimedOut, Unauthenticated, Unavailable
from chatd.gateway.fronts.answers import payload_of
from chatd.gateway.fronts.bounds import FRAME_BYTES_PER_SECOND, FRAME_SECONDS
from chatd.gateway.fronts.grpc.hearing import Hearing
from chatd.gateway.fronts.grpc.links import GrpcLinks
from chatd.gateway.fronts.grpc.statuses import refuse
from chatd.gateway.fronts.request_link import RequestLink
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, RpcRequest, ServerFrame

IDLE_SECONDS = 30.0
"""A caller without a call is forgotten then."""
_BEARER = "bearer "
Metadata = Mapping[str, str | bytes]
"""Bytes are those of names that end with -bin; gRPC lets only ASCII into the others."""


class _Caller:
    """Everyone who calls with one token from one address over one connection: a new one for each
    call would have to come through the door each time."""

    link: RequestLink

    def __init__(self) -> None:
        self.come = asyncio.Event()
        self.tasks: set[asyncio.Task[object]] = set()
        self.idle_since = 0.0
        self._answers: dict[int, asyncio.Future[ServerFrame]] = {}
        self._last_id = 0

    def expect(self) -> tuple[int, "asyncio.Future[ServerFrame]"]:
        """The id of a new call, and its answer."""
        self._last_id += 1
        answer = self._answers[self._last_id] = asyncio.get_running_loop().create_future()
        return self._last_id, answer

    def forget(self, call_id: int) -> None:
        """Nobody waits for the answer."""
        del self._answers[call_id]

    def send(self, frame: bytes) -> bool:
        said = ServerFrame.FromString(frame)
        if said.HasField("reply"):
            found = [self._answers[said.reply.call_id]] if said.reply.call_id in self._answers else []
        else:
            found = list(self._answers.values())
        for answer in found:
            if not answer.done():
                answer.set_result(said)
        return bool(found)

    def ended(self) -> None:
        self.come.set()
        for task in self.tasks:
            task.cancel()


class Calls:
    """``call`` is the behaviour of each method."""

    def __init__(self, loop: asyncio.AbstractEventLoop, links: GrpcLinks, hearing: Hearing) -> None:
        self._loop = loop
        self._links = links
        self._hearing = hearing
        self._seconds = FRAME_SECONDS + hearing.max_frame / FRAME_BYTES_PER_SECOND
        self._callers: dict[tuple[str, str, str], _Caller] = {}

    async def call(self, method: str, context: ServicerContext) -> None:
        """Answer one call, or refuse it."""
        metadata = dict(context.invocation_metadata() or ())
        task = asyncio.current_task()
        assert task is not None
        caller = self._caller(context.peer(), self._links.address(context), _token(metadata))
        caller.tasks.add(task)
        try:
            await context.write(await self._answer(caller, method, metadata, context))
        except ChatdError as exc:
            await refuse(context, exc)
        except asyncio.CancelledError:
            if not caller.link.has_ended or context.cancelled():
                raise
            await refuse(context, Unavailable("the connection was ended"))
        finally:
            caller.tasks.discard(task)
            caller.idle_since = self._loop.time()

    def _caller(self, peer: str, address: str, token: str) -> _Caller:
        key = (peer, address, token)
        found = self._callers.get(key)
        if found is not None and found.link.has_ended:
            self._links.lost(found.link)
            found = None
        if found is None:
            found = self._callers[key] = _Caller()
            found.link = self._links.accept(address, hang_up=found.ended, come=found.come.set)
            found.link.speaker = found
            found.idle_since = self._loop.time()
        return found

    async def _answer(
        self, caller: _Caller, method: str, metadata: Metadata, context: ServicerContext
    ) -> bytes:
        link = caller.link
        await caller.come.wait()
        if link.has_ended:
            raise Unavailable("the connection was ended")
        if not _token(metadata):
            self._hearing.refused(link)
            raise Unauthenticated("the metadata authorization: Bearer TOKEN is missing")
        profile_id = self._profile(link, metadata)
        try:
            async with asyncio.timeout(self._seconds):
                payload = await context.read()
        except TimeoutError as exc:
            self._hearing.refused(link)
            raise TimedOut("the request did not come") from exc
        if payload is EOF:
            self._hearing.refused(link)
            raise MalformedFrame("there is no request")
        await link.turn()
        call_id, answer = caller.expect()
        frame = ClientFrame(
            call=RpcRequest(
                call_id=call_id,
                method=method,
                payload=payload,
                token=_token(metadata),
                profile_id=profile_id,
                request_id=str(metadata.get("idempotency-key", "")),
            )
        )
        try:
            self._hearing.hear(link, frame.SerializeToString())
            return payload_of(await answer)
        finally:
            caller.forget(call_id)

    def _profile(self, link: RequestLink, metadata: Metadata) -> str:
        """The profile that is to be called as; empty: the token's. Raises InvalidId."""
        named = metadata.get("chatd-profile-bin", metadata.get("chatd-profile", ""))
        try:
            return named if isinstance(named, str) else named.decode()
        except UnicodeDecodeError as exc:
            self._hearing.refused(link)
            raise InvalidId("chatd-profile-bin is not UTF-8") from exc

    def look(self) -> None:
        """To be called about once a second: forget the callers that have gone, or are idle."""
        oldest = self._loop.time() - IDLE_SECONDS
        for key, caller in list(self._callers.items()):
            is_idle = not caller.tasks and caller.idle_since < oldest
            if is_idle or caller.link.has_ended:
                del self._callers[key]
                self._links.lost(caller.link)


def _token(metadata: Metadata) -> str:
    """The bearer token; empty without one."""
    given = str(metadata.get("authorization", ""))
    return given[len(_BEARER) :].strip() if given[: len(_BEARER)].lower() == _BEARER else ""
