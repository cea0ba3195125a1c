"""One `chatd all` for all conversations of a module."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.daemons import Daemon, operator_token
from tests.protocol.conversation import Conversation

HEARTBEAT_MS = 10_000
"""Conversations say no heartbeats by themselves, and some are silent while others make fifty calls:
three intervals of it would end their streams."""
_tests = itertools.count(1)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("chatd")
    settings = {
        "HEARTBEAT_INTERVAL_MS": HEARTBEAT_MS,
        "MAX_FRAME_BYTES": 100_000,
        "MAX_PAYLOAD_BYTES": 20_000,
    }
    with Daemon("all", folder, settings) as running:
        yield running


@pytest.fixture
def own(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """A profile's name made this test's own: the daemon is shared."""
    number = next(_tests)
    return lambda name: f"{name}{number}"


@pytest.fixture
def connect(daemon: Daemon, own: Callable[[str], str]) -> Iterator[Callable[..., Conversation]]:
    """Opens conversations and closes them at the end."""
    opened: list[Conversation] = []
    token = operator_token(Path(daemon.folder))

    def open_one(profile: str = "alice", **options: object) -> Conversation:
        opened.append(Conversation(daemon.uri, token, own(profile), **options))  # type: ignore[arg-type]
        return opened[-1]

    yield open_one
    for conversation in opened:
        conversation.__exit__()


@pytest.fixture
def room(own: Callable[[str], str], connect: Callable[..., Conversation]) -> str:
    """A room of this test's own with alice and bob."""
    name = own("room")
    connect("alice").create_room(name, own("bob"))
    return name
