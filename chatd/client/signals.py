"""Signals of a stream, and the presence behind some of them: the device's own, and that of the profiles it watches.

Presence belongs to a connection: it is said again with each Welcome.
"""

import asyncio
from collections.abc import Callable, Iterable

from chatd.client.lifecycle import Lifecycle
from chatd.pb.chat.v1.chat_pb2 import WatchPresenceRequest, WatchPresenceResponse
from chatd.pb.events.v1.signals_pb2 import PresenceState, Signal
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, RpcRequest, RpcResponse, SetPresence

WATCH_AGAIN_SECONDS = 1.0
"""Seconds until profiles that could not be watched are asked for again."""


class Signals:
    """``on_signal`` is told each signal; an error that it raises ends the stream."""

    def __init__(
        self,
        say: Callable[[ClientFrame], bool],
        lifecycle: Lifecycle,
        on_signal: Callable[[Signal], None] | None,
    ) -> None:
        self._say = say
        self._lifecycle = lifecycle
        self._on_signal = on_signal
        self._presence: PresenceState | None = None
        self._watched: tuple[str, ...] | None = None

    def heard(self, signals: Iterable[Signal]) -> None:
        """The gateway has sent these."""
        try:
            for signal in signals:
                if self._on_signal is not None:
                    self._on_signal(signal)
        except Exception as exc:  # noqa: BLE001  the application's own: it is raised where the application iterates
            self._on_signal = None
            self._lifecycle.end(exc)

    def set_presence(self, state: PresenceState) -> None:
        """Say how reachable this device is, now and after each Welcome."""
        self._presence = state
        self._say_presence()

    def watch(self, profile_ids: Iterable[str]) -> None:
        """Watch these profiles instead of those before, now and after each Welcome."""
        self._watched = tuple(profile_ids)
        self._say_watched()

    def say_again(self) -> None:
        """The stream is open again: the gateway does not know what was said on the connection before."""
        self._say_presence()
        self._say_watched()

    def _say_presence(self) -> None:
        if self._presence is not None and self._lifecycle.is_open:
            self._say(ClientFrame(presence=SetPresence(state=self._presence)))

    def _say_watched(self) -> None:
        if self._watched is not None and self._lifecycle.is_open:
            request = WatchPresenceRequest(profile_ids=self._watched)
            call = RpcRequest(call_id=1, method="ChatService/WatchPresence", payload=request.SerializeToString())
            self._say(ClientFrame(call=call))

    def on_reply(self, reply: RpcResponse) -> None:
        """The answer to WatchPresence, the only call a stream makes. A failed one is repeated after WATCH_AGAIN_SECONDS
        if the error says so, and in any case after the next Welcome."""
        if reply.HasField("error"):
            if reply.error.retry:
                asyncio.get_running_loop().call_later(WATCH_AGAIN_SECONDS, self._say_watched)
            return
        presences = WatchPresenceResponse.FromString(reply.payload).presences
        self.heard(Signal(presence=one) for one in presences)
