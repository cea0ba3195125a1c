"""The states of a client's stream, the reason of its end, and those who wait for either."""

import asyncio
from collections.abc import Callable
from enum import Enum


class StreamState(Enum):
    CONNECTING = "connecting"
    """There is no connection, or no Welcome on it yet; the stream connects by itself."""
    CATCHING_UP = "catching up"
    """The stream is open, and something may be owed that has not arrived."""
    LIVE = "live"
    """Everything owed has arrived; events arrive as they are stored."""
    ENDED = "ended"
    """The stream will not connect again."""


class Lifecycle:
    """Calls ``on_state`` with each change and its reason, and ``on_end`` at the end.

    An error that ``on_state`` raises ends the stream.
    """

    def __init__(
        self,
        on_state: Callable[[StreamState, str], None] | None,
        *,
        on_end: Callable[[], None],
    ) -> None:
        self._on_state = on_state
        self._on_end = on_end
        self._opened = asyncio.Event()
        self._caught_up = asyncio.Event()
        self._ended = asyncio.Event()
        self.state = StreamState.CONNECTING
        self.error: Exception | None = None
        """The error that ended the stream; None if it goes on, or was asked to end."""

    @property
    def is_open(self) -> bool:
        """True from a Welcome until the connection is lost or the stream ends."""
        return self.state in (StreamState.CATCHING_UP, StreamState.LIVE)

    @property
    def has_ended(self) -> bool:
        return self.state is StreamState.ENDED

    def connecting(self, reason: str) -> None:
        """A connection begins, or one was lost for this reason."""
        self._change(StreamState.CONNECTING, reason)

    def welcomed(self, reason: str = "") -> None:
        """The gateway has opened the stream. ``reason``: something is not as it was before."""
        self._change(StreamState.CATCHING_UP, reason)
        self._opened.set()

    def caught_up(self) -> None:
        """Everything owed has arrived."""
        self._change(StreamState.LIVE, "")
        self._caught_up.set()

    def end(self, error: Exception | None) -> None:
        """The stream ends, because of ``error`` if there is one. Only the first call counts."""
        if self.has_ended:
            return
        self.error = error
        self._change(StreamState.ENDED, str(error or ""))
        for waited_for in (self._ended, self._opened, self._caught_up):
            waited_for.set()
        self._on_end()

    def _change(self, state: StreamState, reason: str) -> None:
        self.state = state
        if self._on_state is None:
            return
        try:
            self._on_state(state, reason)
        except Exception as exc:  # noqa: BLE001  the application's own, raised where it iterates
            self._on_state = None
            if self.has_ended:
                self.error = exc
            self.end(exc)

    def raise_error(self) -> None:
        """Raise the error that ended the stream, if one did."""
        if self.error is not None:
            raise self.error

    async def wait_opened(self) -> None:
        """Wait for the first Welcome. Raises the error that ended the stream."""
        await self._opened.wait()
        self.raise_error()

    async def wait_caught_up(self) -> None:
        """Wait until everything owed has arrived. Raises the error that ended the stream."""
        await self._caught_up.wait()
        self.raise_error()

    async def wait_ended(self) -> None:
        """Wait for the end."""
        await self._ended.wait()
