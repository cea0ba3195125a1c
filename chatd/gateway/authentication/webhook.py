"""WebhookTokens: the operators' own service is asked whose a token is, by an HTTP POST.

It is asked beside the loop, about so many tokens at once, and its answers are kept for a while. A
token waits for AUTH_WEBHOOK_TIMEOUT_MS at most, its place in the queue included.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from chatd.core.each import each
from chatd.core.outage import Outage
from chatd.errors import (
    ChatdError,
    Overloaded,
    Unauthenticated,
    Unavailable,
)
from chatd.gateway.authentication.identity import Identity
from chatd.gateway.authentication.pending import AuthenticationPending

log = structlog.get_logger()

SOURCE = "webhook"
MAX_KNOWN = 10_000
"""Good answers that are kept, and as many others: those that were used last. Tokens that strangers
make up push out no good one."""
MAX_UNDER_WAY = 32
MAX_ASKED = 1_000
"""Tokens that wait for an answer; more are refused at once."""
MAX_WAITING_FOR_ONE = 64
"""Frames that wait for the answer about one token."""
REFUSAL_SECONDS = 5.0
FAILURE_SECONDS = 1.0
"""For so long a refusal, and a request that failed, is the answer to the same token."""


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """``timeout`` and ``keep``, for how long an answer is good, are in seconds."""

    url: str
    timeout: float
    keep: float


@dataclass(slots=True)
class _Known:
    outcome: Identity | ChatdError
    until: float


class WebhookTokens:
    """``now`` gives seconds since the Unix epoch."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, settings: WebhookSettings, *, now: Callable[[], float]
    ) -> None:
        # Its HTTP library takes a fifth of a gateway's start, and most gateways ask nobody.
        from chatd.gateway.authentication.webhook_service import WebhookService

        self._loop = loop
        self._settings = settings
        self._now = now
        # The one used last at the end.
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._refused: OrderedDict[bytes, _Known] = OrderedDict()
        self._asked: dict[bytes, list[Callable[[], None]]] = {}
        self._queue: deque[tuple[bytes, str, float]] = deque()  # digest, token, until when it may wait
        self._tasks: set[asyncio.Task[None]] = set()
        self._service = WebhookService(settings.url)
        self._outage = Outage(
            log, "The authentication webhook fails", "The authentication webhook answers again", now=loop.time
        )

    def identify(self, token: str, digest: bytes) -> Identity | None:
        """The identity that the service said. Raises AuthenticationPending until it has answered,
        Unauthenticated, Overloaded, and Unavailable when it does not answer."""
        for kept in (self._known, self._refused):
            known = kept.get(digest)
            if known is not None and known.until > self._loop.time():
                kept.move_to_end(digest)
                if isinstance(known.outcome, Identity):
                    return known.outcome
                raise type(known.outcome)(str(known.outcome))
        waiting = self._asked.get(digest)
        if waiting is None and len(self._asked) >= MAX_ASKED:
            raise Overloaded("too many tokens wait for the authentication webhook")
        if waiting is not None and len(waiting) >= MAX_WAITING_FOR_ONE:
            raise Overloaded("too many frames wait for the authentication webhook")
        raise AuthenticationPending(partial(self._wait, token, digest))

    def _wait(self, token: str, digest: bytes, action: Callable[[], None]) -> None:
        """Ask, unless that is under way."""
        if digest not in self._asked:
            self._asked[digest] = []
            self._queue.append((digest, token, self._loop.time() + self._settings.timeout))
            self._start()
        self._asked[digest].append(action)

    def confirm(self, identity: Identity) -> Identity | None:
        """The same identity, if the service said it."""
        return identity.own() if identity.source == SOURCE else None

    def _start(self) -> None:
        while self._queue and len(self._tasks) < MAX_UNDER_WAY:
            task = self._loop.create_task(self._ask(*self._queue.popleft()), name="authentication webhook")
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._start()

    async def _ask(self, digest: bytes, token: str, until: float) -> None:
        keep, asked_at = self._settings.keep, self._now()
        outcome: Identity | ChatdError
        try:
            async with asyncio.timeout_at(until):
                identity = await self._service.identify(token, digest, asked_at)
            outcome = Unauthenticated("no such token") if identity is None else identity
            self._outage.worked()
        except (Unavailable, TimeoutError) as exc:
            outcome = (
                exc
                if isinstance(exc, Unavailable)
                else Unavailable("the authentication webhook does not answer", detail="TimeoutError")
            )
            self._outage.failed(outcome)
            keep = FAILURE_SECONDS
        if isinstance(outcome, Unauthenticated):
            keep = min(keep, REFUSAL_SECONDS)
        # At least for this turn of the loop, in which those who wait look it up.
        self._keep(digest, _Known(outcome, self._loop.time() + max(keep, 0.001)))
        each(self._asked.pop(digest), lambda action: action(), _failed)

    def _keep(self, digest: bytes, known: _Known) -> None:
        is_good = isinstance(known.outcome, Identity)
        kept, other = (self._known, self._refused) if is_good else (self._refused, self._known)
        other.pop(digest, None)
        kept[digest] = known
        kept.move_to_end(digest)
        if len(kept) > MAX_KNOWN:
            kept.popitem(last=False)

    async def close(self) -> None:
        """Ask nobody any more."""
        for task in tuple(self._tasks):
            task.cancel()
        await self._service.close()


def _failed(action: Callable[[], None], exc: Exception) -> None:
    log.exception("A frame that waited for the authentication webhook could not be handled", exc_info=exc)
