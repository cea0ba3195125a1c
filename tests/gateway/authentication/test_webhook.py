"""Tokens that the operators' own service knows: what it may answer, and how much it is asked."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from chatd.core.scopes import ALL_SCOPES, NO_SCOPES, Scope
from chatd.errors import ChatdError, Overloaded, Unauthenticated, Unavailable
from chatd.gateway.authentication import webhook as module
from chatd.gateway.authentication.identity import Identity, digest_of
from chatd.gateway.authentication.pending import AuthenticationPending
from chatd.gateway.authentication.webhook import WebhookSettings, WebhookTokens
from tests.gateway.authentication.service import Service

NOW = 1_000.0


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service() as running:
        yield running


@pytest.fixture
async def tokens(service: Service) -> AsyncIterator[WebhookTokens]:
    made = asking(service)
    yield made
    await made.close()


def asking(service: Service, **settings: float) -> WebhookTokens:
    rule = replace(WebhookSettings(service.url, timeout=5.0, keep=60.0), **settings)  # type: ignore[arg-type]
    return WebhookTokens(asyncio.get_running_loop(), rule, now=lambda: NOW)


async def shown(tokens: WebhookTokens, token: str) -> Identity:
    """The identity, after however many rounds. Raises its refusal."""
    async with asyncio.timeout(20):
        while True:
            try:
                found = tokens.identify(token, digest_of(token))
            except AuthenticationPending as pending:
                known = asyncio.Event()
                pending.when_known(known.set)
                await known.wait()
            else:
                assert found is not None
                return found


async def test_what_the_service_says(service: Service, tokens: WebhookTokens) -> None:
    alice = await shown(tokens, "alice")
    assert (alice.profile_id, alice.scopes, alice.devices, alice.issued_at) == (
        "alice",
        NO_SCOPES,
        frozenset(),
        NOW,
    )
    assert alice.expires_at == float("inf")
    service.answers["ops"] = {"profile": "ops", "role": "operator"}
    assert (await shown(tokens, "ops")).scopes == ALL_SCOPES
    service.answers["all"] = {
        "profile": "x",
        "role": "operator",
        "scopes": ["read"],
        "devices": ["d"],
        "key": bytes(32).hex(),
        "expires_in": 5,
    }
    found = await shown(tokens, "all")
    assert (found.scopes, found.devices) == (frozenset({Scope.READ}), frozenset({"d"}))
    assert (found.key, found.expires_at) == (bytes(32), NOW + 5)
    assert tokens.confirm(found) is found


async def test_an_answer_is_kept(service: Service, tokens: WebhookTokens) -> None:
    service.answers["none"] = 401
    for _ in range(3):
        await shown(tokens, "alice")
        with pytest.raises(Unauthenticated):
            await shown(tokens, "none")
    assert service.asked == ["alice", "none"]
    brief = asking(service, keep=0.0)
    for _ in range(2):
        await shown(brief, "bob")
        await asyncio.sleep(0.01)
    await brief.close()
    assert service.asked[2:] == ["bob", "bob"]


async def test_no_more_are_kept_than_there_is_room_for(
    service: Service, tokens: WebhookTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_KNOWN", 2)
    for token in ("a", "b", "a", "c", "a", "b"):
        await shown(tokens, token)
    assert service.asked == ["a", "b", "c", "b"], "the one that was used longest ago made room"
    assert len(tokens._known) == 2


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal(service: Service, tokens: WebhookTokens, status: int) -> None:
    service.answers["x"] = status
    with pytest.raises(Unauthenticated):
        await shown(tokens, "x")


WRONG: list[Any] = [
    500,
    503,
    404,
    204,
    302,
    307,
    b"",
    b"{",
    b"[" * 10_000,
    b"[]",
    b"x" * 20_000,
    {},
    {"profile": "a b"},
    {"profile": 7},
    {"profile": None},
    {"profile": "a", "role": "admin"},
    {"profile": "a", "scopes": ["read"]},
    {"profile": "a", "devices": "d"},
    {"profile": "a", "key": "x"},
    {"profile": "a", "expires_in": "soon"},
    {"profile": "a", "expires_in": 0},
    {"profile": "a", "expires_in": -1},
    {"profile": "a", "expire_in": 60},
    b'{"profile": "a", "expires_in": NaN}',
    b'{"profile": "a", "expires_in": 1' + b"0" * 400 + b"}",
]


@pytest.mark.parametrize("answer", WRONG, ids=lambda answer: str(answer)[:40])
async def test_an_answer_that_is_none_is_no_refusal(
    service: Service, tokens: WebhookTokens, answer: object
) -> None:
    service.answers["x"] = answer
    with capture_logs() as logs, pytest.raises(Unavailable):
        await shown(tokens, "x")
    assert len(logs) == 1
    assert service.url not in str(logs), "the address may be a secret"


async def test_a_service_that_is_away_is_said_once_each_way(service: Service, tokens: WebhookTokens) -> None:
    await service.__aexit__(None, None, None)
    with capture_logs() as logs:
        for token in ("a", "b", "c"):
            with pytest.raises(Unavailable):
                await shown(tokens, token)
        async with service:
            assert (await shown(tokens, "d")).profile_id == "d"
            async with asyncio.timeout(10):
                while True:  # a failure is the answer for a second
                    try:
                        await shown(tokens, "a")
                        break
                    except Unavailable:
                        await asyncio.sleep(0.05)
    assert [(line["log_level"], line["event"]) for line in logs] == [
        ("warning", "The authentication webhook fails"),
        ("info", "The authentication webhook answers again"),
    ]


async def test_one_token_is_asked_about_once_at_a_time(service: Service, tokens: WebhookTokens) -> None:
    service.gate.clear()
    asking = [asyncio.create_task(shown(tokens, "a")) for _ in range(10)]
    await asyncio.sleep(0.1)
    service.gate.set()
    assert {one.profile_id for one in await asyncio.gather(*asking)} == {"a"}
    assert service.asked == ["a"]


async def test_what_waits_is_bounded(
    service: Service, tokens: WebhookTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_UNDER_WAY", 2)
    monkeypatch.setattr(module, "MAX_ASKED", 5)
    monkeypatch.setattr(module, "MAX_WAITING_FOR_ONE", 3)
    service.gate.clear()
    asking = [asyncio.create_task(shown(tokens, f"t{number}")) for number in range(5)]
    asking += [asyncio.create_task(shown(tokens, "t0")) for _ in range(2)]
    await asyncio.sleep(0.1)
    for token in ("t6", "t0"):
        with pytest.raises(Overloaded):
            tokens.identify(token, digest_of(token))
    service.gate.set()
    assert [one.profile_id for one in await asyncio.gather(*asking)] == [
        f"t{n}" for n in (0, 1, 2, 3, 4, 0, 0)
    ]
    assert service.most == 2
    assert await shown(tokens, "t6"), "there is room again"


async def test_nobody_waits_for_longer_than_the_timeout(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither for the answer nor in the queue."""
    monkeypatch.setattr(module, "MAX_UNDER_WAY", 1)
    tokens = asking(service, timeout=0.3)
    service.gate.clear()
    began = asyncio.get_running_loop().time()
    found = await asyncio.gather(*(shown(tokens, token) for token in "abc"), return_exceptions=True)
    assert all(isinstance(one, Unavailable) for one in found)
    assert asyncio.get_running_loop().time() - began < 2
    assert isinstance(found[0], ChatdError)
    assert found[0].retry
    await tokens.close()


async def test_a_cookie_of_one_token_is_not_sent_with_another(
    service: Service, tokens: WebhookTokens
) -> None:
    # Cookies of a bare IP address are not kept by any client.
    service.url = service.url.replace("127.0.0.1", "localhost")
    named = asking(service)
    for token in ("alice", "bob"):
        assert (await shown(named, token)).profile_id == token
    await named.close()
    assert service.cookies == []


async def test_made_up_tokens_push_out_no_good_one(
    service: Service, tokens: WebhookTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_KNOWN", 2)
    await shown(tokens, "alice")
    for token in ("x", "y", "z"):
        service.answers[token] = 401
        with pytest.raises(Unauthenticated):
            await shown(tokens, token)
    await shown(tokens, "alice")
    assert service.asked == ["alice", "x", "y", "z"]
    assert len(tokens._refused) == 2


async def test_a_token_that_is_good_by_now_is_no_longer_refused(service: Service) -> None:
    tokens = asking(service, keep=0.0)
    service.answers["x"] = 401
    with pytest.raises(Unauthenticated):
        await shown(tokens, "x")
    del service.answers["x"]
    await asyncio.sleep(0.01)
    assert (await shown(tokens, "x")).profile_id == "x"
    service.answers["x"] = 401
    await asyncio.sleep(0.01)
    with pytest.raises(Unauthenticated):
        await shown(tokens, "x")
    await tokens.close()


async def test_it_was_issued_when_it_was_asked_about(service: Service) -> None:
    """A token that is revoked while the answer comes is revoked."""
    now = NOW
    rule = WebhookSettings(service.url, timeout=5.0, keep=60.0)
    tokens = WebhookTokens(asyncio.get_running_loop(), rule, now=lambda: now)
    service.gate.clear()
    asked = asyncio.create_task(shown(tokens, "alice"))
    async with asyncio.timeout(10):
        while not service.asked:
            await asyncio.sleep(0.005)
    now += 5
    service.gate.set()
    assert (await asked).issued_at == NOW
    await tokens.close()


async def test_a_profile_that_is_no_id_is_not_quoted(service: Service, tokens: WebhookTokens) -> None:
    service.answers["canary:token"] = {"profile": "canary:token"}
    with capture_logs() as logs, pytest.raises(Unavailable):
        await shown(tokens, "canary:token")
    assert len(logs) == 1
    assert "canary" not in str(logs)
