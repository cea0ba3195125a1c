"""Session: a profile's calls and streams, by any method and for any device, until it is closed."""

import uuid
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from google.protobuf.message import Message

from chatd.client.client_key import client_key
from chatd.client.lifecycle import StreamState
from chatd.client.marks import Marks
from chatd.client.retries import RetriedCalls
from chatd.client.rewound import OnRewound
from chatd.client.route import Gateways
from chatd.client.stream import Stream
from chatd.client.token import Token, TokenSource
from chatd.core.start import Start
from chatd.errors import ConfigError
from chatd.pb.events.v1.signals_pb2 import Signal
from chatd.pb.gateway.v1.gateway_pb2 import Hello
from chatd.transport.sockets import Context, new_context

R = TypeVar("R", bound=Message)

PROTOCOL_VERSION = 1
"""The newest version of the protocol that this client speaks."""


class Session:
    """The profile of ``token``, or with an operator's token ``profile``.

    ``token`` may be a function that makes one: it is called for the first token, and for another
    one when that is about to expire. An error that it raises is the call's, or ends the stream.

    ``uri``: the address of a gateway, or of several, such as ``tcp://chat.example:7400#KEY``:
    connections are encrypted, and nobody but the owner of this key is talked to. When one is gone,
    another of these is used, or one that a gateway has named. ``key``: the client's own secret key
    of 32 octets, or a file of it, which is made if it is missing; by default each client has a new
    one. ``call_timeout`` bounds each call, in seconds. ``client_name`` is shown to operators.
    ``context``: a ZeroMQ context of the caller's, which stays open and has the key. Methods raise
    the errors of ``chatd.errors``.
    """

    def __init__(
        self,
        uri: str | Sequence[str],
        token: TokenSource,
        *,
        profile: str | None = None,
        key: Path | bytes | None = None,
        call_timeout: float = 10.0,
        client_name: str = "chatd-python",
        context: Context | None = None,
    ) -> None:
        self.gateways = Gateways(uri)
        """The gateways it may connect to."""
        self._token = Token(token)
        self._profile = profile or ""
        self._call_timeout = call_timeout
        self._client_name = client_name
        if context is not None and key is not None:
            raise ConfigError("a key belongs to its ZeroMQ context: give one of the two")
        self._given_context = context
        self._context = context or new_context(keys=client_key(key))
        self._calls = RetriedCalls(self._context, self.gateways, token=self._token, profile=self._profile)
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection for calls, and all open streams without a Bye (``Stream.close`` says
        it)."""
        self._calls.close()
        self._token.close()
        for stream in tuple(self._streams):
            stream.abandon()
        if self._given_context is None:
            self._context.term()

    async def call(
        self,
        method: str,
        request: Message,
        response_type: type[R],
        *,
        affinity: str = "",
        repeatable: bool = True,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> R:
        """Call any method, for ``timeout`` seconds at most (``call_timeout`` if None).

        A ``repeatable`` call is repeated after errors that may be retried; any call is repeated if
        it certainly was not made. All attempts have one ``request_id``, so that what changes
        something does it once. None: a new one; an application that keeps its own can ask again
        after the timeout, or after its own restart. Raises RateLimited if its ``retry_after_ms``
        ends after ``timeout``.
        """
        return await self._calls.call(
            method,
            request,
            response_type,
            affinity=affinity,
            request_id=uuid.uuid4().hex if request_id is None else request_id,
            repeatable=repeatable,
            timeout=timeout or self._call_timeout,
        )

    def stream(
        self,
        device_id: str,
        *,
        window_messages: int = 1024,
        window_bytes: int = 1 << 20,
        marks: Marks | None = None,
        start: Start | None = None,
        on_state: Callable[[StreamState, str], None] | None = None,
        on_signal: Callable[[Signal], None] | None = None,
        on_rewound: OnRewound | None = None,
    ) -> Stream:
        """The stream of one of the profile's devices, for use with ``async with`` (see
        ``chatd.client``). ``marks``: what an earlier run has shown, which is not given again.
        ``start``: where the device begins if chatd does not know it yet. None: in each
        room at UNDELIVERED, or at HEAD if another device of the profile is owed it from there.
        ``on_rewound`` is told of rooms whose log went back behind what was shown."""
        hello = Hello(
            profile_id=self._profile,
            device_id=device_id,
            window_messages=window_messages,
            window_bytes=window_bytes,
            version=PROTOCOL_VERSION,
            accept_zstd=True,
            want_signals=on_signal is not None,
            client=self._client_name,
            start=start.to_pb() if start is not None else None,
        )
        stream = Stream(
            self._context,
            self.gateways,
            hello,
            self._token,
            marks=marks,
            on_state=on_state,
            on_signal=on_signal,
            on_rewound=on_rewound,
        )
        self._streams.add(stream)
        return stream
