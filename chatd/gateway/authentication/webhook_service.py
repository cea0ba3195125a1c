"""WebhookService: the service itself, asked over HTTP. ``webhook.py`` keeps what it said."""

import json

import aiohttp

from chatd.core.address import parse_key
from chatd.core.ids import check_id
from chatd.errors import ConfigError, InvalidArgument, InvalidId, Unavailable
from chatd.gateway.authentication.identity import Identity, device_ids, rights
from chatd.gateway.authentication.webhook import SOURCE

MAX_ANSWER_BYTES = 16_384
_MEMBERS = frozenset(("profile", "role", "scopes", "devices", "key", "expires_in"))


class WebhookService:
    """``url`` may hold a secret: it is in no error."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    async def identify(self, token: str, digest: bytes, asked_at: float) -> Identity | None:
        """Whose the token is; None: it is none. ``asked_at`` is in seconds since the Unix epoch.
        Raises Unavailable for an answer that is none."""
        try:
            answer = await self._request(token)
            return None if answer is None else _read(answer, digest, asked_at)
        except (aiohttp.ClientError, OSError, _Malformed) as exc:
            # Other errors are named by their kind alone: their texts have the address.
            detail = str(exc) if isinstance(exc, _Malformed) else type(exc).__name__
            raise Unavailable("the authentication webhook does not answer", detail=detail) from None

    async def close(self) -> None:
        """Ask nobody any more."""
        if self._session is not None:
            await self._session.close()

    async def _request(self, token: str) -> bytes | None:
        """The answer about a good token; None: it is none."""
        if self._session is None:  # it needs a running loop
            # Without cookies: one that the service sets for a token is not for the next one.
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        async with self._session.post(self._url, json={"token": token}, allow_redirects=False) as response:
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


class _Malformed(Exception):
    """An answer that is none."""


def _read(body: bytes, digest: bytes, asked_at: float) -> Identity:
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
