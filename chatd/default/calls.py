"""Calls in, replies out: the ROUTER socket that gateways connect to."""

import asyncio
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import NamedTuple

import structlog
from google.protobuf.message import DecodeError

from chatd.core import node_protocol
from chatd.core.counter import Counter
from chatd.core.deadline import Deadline
from chatd.core.ids import check_id
from chatd.core.scopes import NO_SCOPES, scopes_from_pb
from chatd.core.wire import encode_reply
from chatd.default.answer import Caller, CallStore, Method, Refuse, Reply, Witness
from chatd.default.call_turns import CallTurns
from chatd.default.deadlines import Deadlines
from chatd.default.requests.model import RequestKey, request_key
from chatd.errors import (
    ChatdError,
    Internal,
    MalformedFrame,
    Overloaded,
    TimedOut,
    Unavailable,
    UnknownMethod,
)
from chatd.pb.gateway.v1.gateway_pb2 import RpcResponse
from chatd.pb.node.v1 import node_pb2 as pb
from chatd.store.access import MAX_WAITING, StoreAccess
from chatd.store.steady import steady_us
from chatd.transport.pump import PeerFull, PeerGone, Pump
from chatd.transport.sockets import Context, bind_router, endpoint

log = structlog.get_logger()

MAX_ANSWER_BYTES = 15 * 1_048_576
"""A frame over 16 MiB would end the gateway's connection, and with it the calls of all its
clients. Answers are bounded where they are made; this is the last look."""
DESCRIBE = "NodeService/Describe"
CALLERS_KEPT = 4_096
"""Clients whose identities are not read anew with each call: the last ones."""


class _Call(NamedTuple):
    """A call that has come over a gateway's connection."""

    routing_id: bytes
    request: pb.NodeRequest
    caller: Caller
    deadline: Deadline | None


Testify = Callable[[Method, Caller, bytes], Witness | None]
"""Gives the witness of a call; None: it has no audit line (``Audit.witness``)."""


class Calls:
    """Answers ``methods``, found by their names."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: StoreAccess,
        methods: Iterable[Method],
        refused: Counter,
        deadlines: Deadlines,
        testify: Testify,
    ) -> None:
        self._loop = loop
        self._store = store
        self._methods = {method.name: method for method in methods}
        self._router: Pump | None = None
        self._begun = 0
        self._turns: CallTurns[_Call] = CallTurns(
            loop, self._answer, owner_of=lambda call: call.caller.profile_id
        )
        self._refused = refused
        self._deadlines = deadlines
        self._testify = testify

    @property
    def under_way(self) -> int:
        """Calls that have no reply yet."""
        return self._begun + len(self._turns)

    def bind(self, context: Context, uri: str, *, max_frame: int) -> str:
        """The address bound. Raises ConfigError."""
        router = bind_router(context, uri, max_frame=16 * max_frame, send_hwm=100_000)
        self._router = Pump(self._loop, router, self._on_calls, frames=2)
        return endpoint(router)

    def pause(self) -> None:
        """Take no more calls."""
        if self._router is not None:
            self._router.pause()

    def close(self) -> None:
        """Close the socket; replies under way get a second to leave."""
        if self._router is not None:
            self._router.close(linger_ms=1_000)

    def _on_calls(self, batch: list[list[bytes]]) -> None:
        now_us = steady_us()
        calls: list[_Call] = []
        for routing_id, frame in batch:
            try:
                request = pb.NodeRequest.FromString(frame)
            except DecodeError:
                self._refuse(routing_id, 0, MalformedFrame("the frame is not a NodeRequest"))
                continue
            try:
                # Each request moves the limits of those before it: they are read as they come.
                limited = request.HasField("limits")
                deadline = self._deadlines.read(routing_id, request.limits, now_us) if limited else None
                caller = _caller(request.caller.SerializeToString())
                if len(self._turns) + len(calls) >= MAX_WAITING:
                    raise Overloaded(f"{MAX_WAITING} requests wait for their turns")
            except ChatdError as exc:
                self._refuse(routing_id, request.call_id, exc)
            else:
                calls.append(_Call(routing_id, request, caller, deadline))
        self._turns.add(calls)

    def _answer(self, call: _Call) -> None:
        routing_id, request, _, _ = call
        try:
            self._begin(call)
        except ChatdError as exc:
            self._refuse(routing_id, request.call_id, exc)
        except Exception as exc:  # one call must not take others with it
            log.exception("A call could not be answered", method=ascii(request.method[:80]))
            self._refuse(
                routing_id,
                request.call_id,
                Internal(f"the call could not be answered: {type(exc).__name__}"),
            )

    def _begin(self, call: _Call) -> None:
        routing_id, request, caller, deadline = call
        if deadline is not None and deadline.has_passed(steady_us()):
            raise TimedOut("the call's turn came after its deadline; it was not done")
        method = self._methods.get(request.method)
        if request.method != DESCRIBE and request.protocol < node_protocol.OLDEST:
            # Describe tells the gateway why; until it has heard that, nothing of it is guessed at.
            raise Unavailable("the gateway and the default node are of versions that do not go together")
        if method is None:
            raise UnknownMethod(f"no method {request.method[:80]!a}")
        if self._store.waiting >= MAX_WAITING:
            raise Overloaded(f"{MAX_WAITING} requests are waiting for the database")
        witness = self._testify(method, caller, request.payload)
        try:
            answer = method.answer(caller, request.payload)
            key = _key(method, caller, request)
        except ChatdError as exc:
            if witness is not None:
                witness.refused(exc)
            raise
        self._begun += 1
        reply: Reply = partial(self._reply, routing_id, request.call_id, method.name)
        refuse: Refuse = partial(self._refuse_later, routing_id, request.call_id)
        if witness is not None:
            reply, refuse = _witnessed(witness, reply, refuse)
        try:
            answer.give(CallStore(self._store, caller.profile_id, deadline, key, witness), reply, refuse)
        except BaseException:
            self._begun -= 1
            raise

    def _refuse_later(self, routing_id: bytes, call_id: int, error: ChatdError) -> None:
        self._refuse(routing_id, call_id, error)
        self._begun -= 1

    def _reply(self, routing_id: bytes, call_id: int, method: str, response: bytes) -> None:
        if len(response) > MAX_ANSWER_BYTES:
            log.error("An answer is too large to be sent", method=method, size=len(response))
            self._refuse_later(
                routing_id,
                call_id,
                Internal(f"the answer of {method} has {len(response)} bytes, which no frame can hold"),
            )
            return
        self._send(routing_id, encode_reply(call_id, response, None))
        self._begun -= 1

    def _refuse(self, routing_id: bytes, call_id: int, error: ChatdError) -> None:
        self._refused.add()
        self._send(routing_id, encode_reply(call_id, b"", error))

    def _send(self, routing_id: bytes, reply: RpcResponse) -> None:
        assert self._router is not None
        try:
            self._router.send((routing_id, reply.SerializeToString()))
        except (PeerGone, PeerFull):
            log.warning("A reply could not be sent: its gateway has gone")


@lru_cache(maxsize=CALLERS_KEPT)
def _caller(encoded: bytes) -> Caller:
    """The same clients call again and again."""
    given = pb.Caller.FromString(encoded)
    return Caller(
        given.profile_id,
        scopes_from_pb(given.scopes) if given.role == pb.Role.ROLE_OPERATOR else NO_SCOPES,
        operator_id=given.operator_id,
        address=given.address,
        gateway_id=given.gateway_id,
    )


def _key(method: Method, caller: Caller, request: pb.NodeRequest) -> RequestKey | None:
    """The key under which the call's answer is remembered; None: it is not. Raises InvalidId."""
    if not request.request_id or not caller.profile_id:
        return None
    request_id = check_id("request_id", request.request_id)
    if not method.is_remembered:
        return None
    return request_key(caller.profile_id, request_id, method.name, request.payload)


def _witnessed(witness: Witness, reply: Reply, refuse: Refuse) -> tuple[Reply, Refuse]:
    """The call's two ends, with its witness told."""

    def done(response: bytes) -> None:
        witness.done()
        reply(response)

    def refused(error: ChatdError) -> None:
        witness.refused(error)
        refuse(error)

    return done, refused
