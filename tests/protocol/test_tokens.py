"""Tokens that are for some devices, for a key, or for a time."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chatd.core.curve.keys import encode_key
from chatd.pb.chat.v1.chat_pb2 import ListUnreadRequest
from tests.daemons import Daemon
from tests.protocol.conversation import Conversation

PERMISSION_DENIED, TOKEN_EXPIRED = 201, 202
UNREAD = "ChatService/ListUnread"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder: Path = tmp_path_factory.mktemp("chatd")
    past = datetime.now(UTC) - timedelta(seconds=1)
    entries = {
        "any": "",
        "phones": 'devices = ["phone"]',
        "bound": f'key = "{encode_key(bytes(32))}"',
        "past": f"expires = {past.isoformat()}",
    }
    text = "".join(f'[tokens.{token}]\nprofile = "alice"\n{entry}\n' for token, entry in entries.items())
    (folder / "tokens.toml").write_text(text)
    with Daemon("all", folder) as running:
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
