"""Tokens that are for some devices, for a key, or for a time."""

import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chatd.gateway.token_expiry import LONGEST_MS, PERIOD
from chatd.pb.chat.v1.chat_pb2 import ListUnreadRequest
from chatd.pb.gateway.v1.gateway_pb2 import Hello, Renew, RpcRequest
from tests.daemons import Daemon
from tests.gateway.authentication.issuer import RULE, Issuer, jwks
from tests.protocol.conversation import Conversation

UNAUTHENTICATED, PERMISSION_DENIED, TOKEN_EXPIRED = 200, 201, 202
NO_STREAM = 104
ISSUER = Issuer()
UNREAD = "ChatService/ListUnread"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder: Path = tmp_path_factory.mktemp("chatd")
    past = datetime.now(UTC) - timedelta(seconds=1)
    entries = {
        "any": 'role = "operator"',
        "forever": "",
        "phones": 'devices = ["phone"]',
        "bound": f'key = "{bytes(32).hex()}"',
        "past": f"expires = {past.isoformat()}",
    }
    (folder / "keys.json").write_text(jwks([ISSUER]))
    settings = {"JWT_KEYS_FILE": folder / "keys.json", "JWT_LEEWAY_SECONDS": 0, **RULE}
    text = "".join(f'[tokens.{token}]\nprofile = "alice"\n{entry}\n' for token, entry in entries.items())
    (folder / "tokens.toml").write_text(text)
    with Daemon("all", folder, settings) as running:
        yield running


@pytest.fixture
def say(daemon: Daemon) -> Iterator[Callable[[str], Conversation]]:
    opened: list[Conversation] = []

    def open_one(token: str) -> Conversation:
        opened.append(Conversation(daemon.uri, token))
        return opened[-1]

    yield open_one
    for one in opened:
        one.__exit__()


def test_a_token_is_for_its_devices(say: Callable[[str], Conversation]) -> None:
    phones = say("phones")
    phones.open("phone")
    phones.hear_kind("caught_up")
    phones.hello("laptop")
    assert phones.hear_kind("error").code == PERMISSION_DENIED
    phones.heartbeat(1)
    assert phones.hear_kind("heartbeat").mark == 1, "the stream goes on"
    assert not phones.request(UNREAD, ListUnreadRequest()).HasField("error")


def test_calls_behind_a_second_hello_are_not_the_first_one_s(say: Callable[[str], Conversation]) -> None:
    """They are made as if there had been no stream before."""
    alice = say("forever")
    alice.open("tablet")
    alice.hear_kind("caught_up")
    alice.say(hello=Hello(version=1, token=ISSUER.token("bob"), device_id="phone"))
    call = RpcRequest(call_id=7, method=UNREAD, payload=ListUnreadRequest().SerializeToString())
    alice.say(call=call)
    while not (frame := alice.hear()).HasField("reply"):
        pass
    assert frame.reply.error.code == NO_STREAM


def test_a_token_for_a_key_is_no_good_without_it(say: Callable[[str], Conversation]) -> None:
    bound = say("bound")
    assert bound.refused(UNREAD, ListUnreadRequest()) == PERMISSION_DENIED
    bound.hello("phone")
    assert bound.hear_kind("error").code == PERMISSION_DENIED


def test_a_token_that_has_expired(say: Callable[[str], Conversation]) -> None:
    past = say("past")
    assert past.refused(UNREAD, ListUnreadRequest()) == TOKEN_EXPIRED
    past.hello("phone")
    assert past.hear_kind("closed").error.code == TOKEN_EXPIRED


def brief(profile: str = "alice", *, seconds: int = 3, **claims: Any) -> str:
    """A token that is good for so many seconds; claims count whole ones."""
    return ISSUER.token(profile, exp=math.floor(time.time()) + seconds, **claims)


def test_a_stream_ends_with_its_token_and_is_told_before(say: Callable[[str], Conversation]) -> None:
    alice = say(brief())
    began = time.monotonic()
    alice.open("brief")
    alice.hear_kind("caught_up")
    left = alice.hear_kind("token_expires").in_ms / 1_000
    assert 0 < left < 1.5
    assert alice.hear_kind("closed").error.code == TOKEN_EXPIRED
    assert time.monotonic() - began < 3 + PERIOD + 2  # which are for a busy machine
    assert alice.refused(UNREAD, ListUnreadRequest()) == TOKEN_EXPIRED
    alice.hello("brief")
    assert alice.hear_kind("closed").error.code == TOKEN_EXPIRED


def test_a_token_is_renewed_in_the_stream(say: Callable[[str], Conversation]) -> None:
    alice = say(brief())
    epoch = alice.open("renewed").epoch
    alice.hear_kind("caught_up")
    for _ in range(2):
        alice.hear_kind("token_expires")
        alice.say(renew=Renew(token=brief(), epoch=epoch))
        assert alice.hear_kind("token_expires").in_ms > 1_000, "the answer"
    alice.say(renew=Renew(token=brief(), epoch=epoch + 1))
    alice.heartbeat(3)
    assert alice.hear_kind("heartbeat").mark == 3, "it was for another stream"
    alice.say(renew=Renew(token="any"))
    assert alice.hear_kind("error").code == PERMISSION_DENIED, "it may act for others"
    alice.say(renew=Renew(token=ISSUER.token(exp=10**307)))
    assert alice.hear_kind("token_expires").in_ms == LONGEST_MS
    alice.say(renew=Renew(token="forever"))
    assert alice.hear_kind("token_expires").in_ms == 0
    alice.hear_nothing(1.5)


def test_a_renewal_changes_no_rights(say: Callable[[str], Conversation]) -> None:
    alice = say("forever")
    alice.open("rights")
    alice.hear_kind("caught_up")
    for token in (brief("bob"), brief(chatd_devices=["rights"]), brief(chatd_role="operator"), "bound"):
        alice.say(renew=Renew(token=token))
        assert alice.hear_kind("error").code == PERMISSION_DENIED
    alice.heartbeat(1)
    assert alice.hear_kind("heartbeat").mark == 1, "the stream goes on"
    alice.say(renew=Renew(token="past"))
    assert alice.hear_kind("closed").error.code == TOKEN_EXPIRED
    alice.open("rights")
    alice.hear_kind("caught_up")
    alice.say(renew=Renew(token="none"))
    assert alice.hear_kind("closed").error.code == UNAUTHENTICATED
    alice.hello("rights")
    alice.hear_kind("welcome")
