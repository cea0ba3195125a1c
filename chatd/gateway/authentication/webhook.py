"""WebhookTokens: the operators' own service is asked whose a token is, by an HTTP POST.

It is asked beside the loop, about so many tokens at once, and its answers are kept for a while. A
token waits for AUTH_WEBHOOK_TIMEOUT_MS at most, its place in the queue included.
"""

import asyncio
import json
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import aiohttp
import structlog

from chatd.core.address import parse_key
from chatd.core.each import each
from chatd.core.ids import check_id
from chatd.core.outage import Outage
from chatd.errors import (
    ChatdError,
    ConfigError,
    InvalidArgument,
    InvalidId,
    Overloaded,
    Unauthenticated,
    Unavailable,
)
from chatd.gateway.authentication.identity import Identity, device_ids, rights
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
MAX_ANSWER_BYTES = 16_384
_MEMBERS = frozenset(("profile", "role", "scopes", "devices", "key", "expires_in"))


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
        self._loop = loop
        self._settings = settings
        self._now = now
        # The one used last at the end.
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._refused: OrderedDict[bytes, _Known] = OrderedDict()
        self._asked: dict[bytes, list[Callable[[], None]]] = {}
        self._queue: deque[tuple[bytes, str, float]] = deque()  # digest, token, until when it may wait
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
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
                answer = await self._request(token)
            outcome = (
                Unauthenticated("no such token") if answer is None else self._read(answer, digest, asked_at)
            )
            self._outage.worked()
        except (aiohttp.ClientError, OSError, TimeoutError, _Malformed) as exc:
            # Of other errors only the kind: their texts have the address, which may be a secret.
            detail = str(exc) if isinstance(exc, _Malformed) else type(exc).__name__
            outcome = Unavailable("the authentication webhook does not answer", detail=detail)
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

    async def _request(self, token: str) -> bytes | None:
        """The answer about a good token; None: it is none."""
        if self._session is None:
            # Without cookies: one that the service sets for a token is not for the next one.
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        async with self._session.post(
            self._settings.url, json={"token": token}, allow_redirects=False
        ) as response:
            if response.status in (401, 403):
                return None
            if response.status != 200:
                raise _Malformed(f"its status is {response.status}")
            body = await response.content.read(MAX_ANSWER_BYTES + 1)
            while len(body) <= MAX_ANSWER_BYTES and (more := await response.content.read(MAX_ANSWER_BYTES)):
                body += more
            if len(body) > MAX_ANSWER_BYTES:
                raise _Malformed(f"its answer is longer than {MAX_ANSWER_BYTES:,} bytes")
            return body

    def _read(self, body: bytes, digest: bytes, asked_at: float) -> Identity:
        """The token was good at ``asked_at``: it may have been revoked while the answer came."""
        try:
            answer = json.loads(body)
            if not isinstance(answer, dict) or answer.keys() - _MEMBERS:
                raise _Malformed(f"its answer is no object of {', '.join(sorted(_MEMBERS))}")
            key, expires_in = answer.get("key"), answer.get("expires_in")
            seconds = float("inf") if expires_in is None else float(expires_in)
            if not seconds > 0:
                raise _Malformed("its expires_in is not above 0")
            return Identity(
                check_id("profile", answer.get("profile", "")),
                rights(answer.get("role"), answer.get("scopes")),
                digest,
                SOURCE,
                devices=device_ids(answer.get("devices")),
                key=b"" if key is None else parse_key(str(key)),
                issued_at=asked_at,
                expires_at=asked_at + seconds,
            )
        except InvalidId:
            # Without its text, which quotes the value: it may be the token.
            raise _Malformed("its profile is no profile id") from None
        except (InvalidArgument, ConfigError) as exc:
            raise _Malformed(f"its answer: {exc}") from exc
        except (ValueError, TypeError, AttributeError, RecursionError, OverflowError) as exc:
            raise _Malformed("its answer is malformed") from exc

    async def close(self) -> None:
        """Ask nobody any more."""
        for task in tuple(self._tasks):
            task.cancel()
        if self._session is not None:
            await self._session.close()


class _Malformed(Exception):
    """An answer that is none."""


def _failed(action: Callable[[], None], exc: Exception) -> None:
    log.exception("A frame that waited for the authentication webhook could not be handled", exc_info=exc)
