"""A daemon for each module, chatctl as its operator, and rooms."""

import re
from collections.abc import Iterator

import pytest

from tests.chatctl.command import Chatctl
from tests.daemons import Daemon
from tests.protocol.limited import OPERATOR, daemon_with_users

LIMITS = {"PROFILE_EVENTS_PER_SECOND": 80, "PROFILE_BYTES_PER_SECOND": 10_000, "RATE_BURST_SECONDS": 0.05}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon("all", tmp_path_factory.mktemp("chatd")) as running:
        yield running


@pytest.fixture
def chatctl(daemon: Daemon) -> Chatctl:
    return Chatctl(daemon)


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chatctl]:
    """chatctl for a daemon whose users "ann" and "ben", members of "lobby", may send at a low
    rate."""
    with daemon_with_users(tmp_path_factory.mktemp("limited"), ["ann", "ben"], LIMITS) as running:
        chatctl = Chatctl(running)
        chatctl("--token", OPERATOR, "room", "create", "lobby", "ann", "ben")
        yield chatctl


@pytest.fixture
def room(chatctl: Chatctl, request: pytest.FixtureRequest) -> str:
    """A room of alice and of a profile named as the room, whose device "d" is owed all its
    events."""
    name = re.sub(r"\W+|_", "-", str(request.node.name))[:60]
    chatctl.make_device(name, "d")
    chatctl.create_room(name, name)
    return name


@pytest.fixture
def filled(chatctl: Chatctl, room: str) -> str:
    """The room, with ten lines of alice as events 2 to 11."""
    chatctl.send_texts(room, *(f"line {number}" for number in range(10)))
    return room
