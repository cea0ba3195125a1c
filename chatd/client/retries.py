"""Calls with retries: the errors after which a call is repeated, the pauses between attempts, the
next gateway to try."""

import asyncio
import random
from typing import TypeVar

from google.protobuf.message import Message

from chatd.client.calls import Calls, NotConnected
from chatd.client.connection import CONNECT_SECONDS
from chatd.client.route import Gateways, Route
from chatd.client.token import Token
from chatd.errors import ChatdError, RateLimited, TimedOut, TokenExpired, Unavailable
from chatd.transport.sockets import Context

R = TypeVar("R", bound=Message)

TRY_SECONDS = 3.0
"""Seconds for one attempt of a repeatable call."""
FIRST_PAUSE, LAST_PAUSE = 0.05, 1.0
"""Seconds between the first two attempts, and the most that doubling makes of them."""


class RetriedCalls:
    """One connection at a time, to the gateway that answered last, for calls by ``token`` and
    ``profile``."""

    def __init__(self, context: Context, gateways: Gateways, *, token: Token, profile: str) -> None:
        self._context = context
        self._route = Route(gateways)
        self._token = token
        self._profile = profile
        self._calls: Calls | None = None
        self._retired: list[Calls] = []
        self._closed = False

    async def call(
        self,
        method: str,
        request: Message,
        response_type: type[R],
        *,
        affinity: str,
        request_id: str,
        repeatable: bool,
        timeout: float,
    ) -> R:
        """Call a method, for ``timeout`` seconds at most, each time with the same ``request_id``.
        Raises the last attempt's error.

        A ``repeatable`` call is repeated after errors that may be retried. Any call is repeated if
        it certainly was not made. RateLimited is raised at once if its ``retry_after_ms`` ends
        after the timeout. A call whose token has expired is made with another one, if the
        application can make it.
        """
        if self._closed:
            raise Unavailable("the client was closed")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        pause = FIRST_PAUSE
        was_renewed = False
        while True:
            token = self._token.value or await self._make_token(deadline)
            left = deadline - loop.time()
            calls = self._connection()
            attempt = min(left, TRY_SECONDS) if repeatable else left
            connect = min(attempt, CONNECT_SECONDS) if self._route.has_other else attempt
            try:
                return await calls.call(
                    method,
                    request,
                    response_type,
                    token=token,
                    affinity=affinity,
                    request_id=request_id,
                    timeout=attempt,
                    connect_timeout=connect,
                )
            except TokenExpired:
                if was_renewed or not self._token.can_renew:
                    raise
                self._token.expired(token)
                was_renewed = True
                continue
            except ChatdError as exc:
                if isinstance(exc, Unavailable | TimedOut):
                    self._move_from(calls)
                wait = self._wait_after(exc, pause, left=deadline - loop.time(), repeatable=repeatable)
                if wait is None:
                    raise
            await asyncio.sleep(wait)
            pause = min(LAST_PAUSE, pause * 2)

    def _wait_after(self, error: ChatdError, pause: float, *, left: float, repeatable: bool) -> float | None:
        """Seconds to wait before another attempt; None: make none. ``left``: seconds left for the
        call."""
        not_made = isinstance(error, NotConnected | RateLimited)
        may_repeat = not_made or (repeatable and error.retry)
        if not may_repeat or self._closed or left < FIRST_PAUSE:
            return None
        if error.retry_after_ms:
            wait = error.retry_after_ms / 1e3 * random.uniform(1.0, 1.2)
            return wait if wait < left else None
        # Half of what is left at most: there must be time for another attempt.
        return min(pause, left / 2) * random.uniform(0.5, 1.0)

    async def _make_token(self, deadline: float) -> str:
        if not self._token.can_renew:
            return ""  # which no gateway takes
        try:
            async with asyncio.timeout_at(deadline):
                return await self._token.get()
        except TimeoutError as exc:
            raise TimedOut("no token was made in time; the call was not made") from exc

    def _connection(self) -> Calls:
        if self._calls is None:
            self._calls = Calls(self._context, self._route.uri, profile=self._profile)
        return self._calls

    def _move_from(self, calls: Calls) -> None:
        """A call on this connection got no answer: the next go to another gateway, if one is
        known."""
        if calls is self._calls and self._route.has_other and not self._closed:
            self._route.move()
            self._calls = None
            self._retired = [one for one in self._retired if not one.closed]
            self._retired.append(calls)
            calls.retire()

    def close(self) -> None:
        """Take no more calls; those under way fail as Unavailable."""
        self._closed = True
        for calls in (*self._retired, *([self._calls] if self._calls is not None else [])):
            calls.close()
        self._retired, self._calls = [], None
