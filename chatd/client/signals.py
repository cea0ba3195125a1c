"""Signals of a stream, and presence: the device's own, and that of the profiles it watches.

A gateway forgets presence with the connection, so it is said again after each Welcome.
"""

import asyncio
from collections.abc import Callable, Iterable

from chatd.client.lifecycle import Lifecycle
from chatd.client.resume import Resume
from chatd.pb.chat.v1.chat_pb2 import WatchPresenceRequest, WatchPresenceResponse
from chatd.pb.events.v1.signals_pb2 import PresenceState, Signal
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, RpcRequest, RpcResponse, SetPresence

WATCH_AGAIN_SECONDS = 1.0
"""Seconds before WatchPresence is repeated after an error that may be retried."""


class Signals:
    """Calls ``on_signal`` with each signal; an error that it raises ends the stream."""

    def __init__(
        self,
        say: Callable[[ClientFrame], bool],
        lifecycle: Lifecycle,
        resume: Resume,
        on_signal: Callable[[Signal], None] | None,
    ) -> None:
        self._say = say
        self._lifecycle = lifecycle
        self._resume = resume
        self._on_signal = on_signal
        self._presence: PresenceState | None = None
        self._watched: tuple[str, ...] | None = None

    def heard(self, signals: Iterable[Signal]) -> None:
        """The gateway has sent these signals."""
        try:
            for signal in signals:
                if self._on_signal is not None:
                    self._on_signal(signal)
        except Exception as exc:  # noqa: BLE001  the application's own, raised where it iterates
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
        """Say both again, after a Welcome."""
        self._say_presence()
        self._say_watched()

    def _say_presence(self) -> None:
        if self._presence is not None and self._lifecycle.is_open:
            presence = SetPresence(state=self._presence, epoch=self._resume.epoch)
            self._say(ClientFrame(presence=presence))

    def _say_watched(self) -> None:
        if self._watched is not None and self._lifecycle.is_open:
            request = WatchPresenceRequest(profile_ids=self._watched)
            payload = request.SerializeToString()
            call = RpcRequest(call_id=1, method="ChatService/WatchPresence", payload=payload)
            self._say(ClientFrame(call=call))

    def on_reply(self, reply: RpcResponse) -> None:
        """The answer to WatchPresence, the only call that a stream makes.

        A call that failed is repeated after WATCH_AGAIN_SECONDS if it may be, and always after the
        next Welcome.
        """
        if reply.HasField("error"):
            if reply.error.retry:
                asyncio.get_running_loop().call_later(WATCH_AGAIN_SECONDS, self._say_watched)
            return
        presences = WatchPresenceResponse.FromString(reply.payload).presences
        self.heard(Signal(presence=one) for one in presences)
