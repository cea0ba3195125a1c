"""Renewal: the tokens of one stream, for its Hellos, and in the stream before they expire."""

import asyncio
from collections.abc import Callable

from chatd.client.lifecycle import Lifecycle
from chatd.client.token import Token
from chatd.errors import Unavailable


class Renewal:
    """``say`` gives the open stream another token; False: it could not be said."""

    def __init__(self, token: Token, lifecycle: Lifecycle, *, say: Callable[[str], bool]) -> None:
        self._token = token
        self._lifecycle = lifecycle
        self._say = say
        self._making: asyncio.Task[str] | None = None
        self._said = False

    def begin(self) -> None:
        """A connection begins."""
        self._said = False

    def for_hello(self) -> str | None:
        """The token to say Hello with; None: it is being made. An error of the application's
        function ends the stream."""
        if self._token.can_renew and not self._token.value:
            self._make("")
            return None
        return self._token.value

    def expires(self, in_ms: int) -> None:
        """The gateway has said when the token expires: a notice, or its answer to another token."""
        if self._said:
            self._said = False
        elif in_ms and self._token.can_renew:
            self._make(self._token.value)

    def expired(self, token: str) -> bool:
        """The gateway takes it no more. True: another one may be made."""
        self._token.expired(token)
        return self._token.can_renew

    def _make(self, old: str) -> None:
        if self._making is None:
            self._making = self._token.renewal(old)
            self._making.add_done_callback(self._made)

    def _made(self, making: "asyncio.Task[str]") -> None:
        self._making = None
        if making.cancelled():
            return
        error = making.exception()
        if self._lifecycle.is_open:
            # If there is none, the stream ends with its token, and the next Hello needs one.
            self._said = error is None and self._say(making.result())
        elif error is not None:
            self._lifecycle.end(error if isinstance(error, Exception) else Unavailable("no token was made"))
