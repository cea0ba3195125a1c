"""chatctl of a user whose rate is limited: lines from a pipe take longer, a single text says when."""

import random
import re
import string
from collections.abc import Iterator

import pytest

from tests.chatctl.test_chatctl import Chatctl
from tests.daemons import Daemon
from tests.protocol.limited import OPERATOR, daemon_with_users, token_of

SETTINGS = {"PROFILE_EVENTS_PER_SECOND": 80, "PROFILE_BYTES_PER_SECOND": 10_000, "RATE_BURST_SECONDS": 0.05}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon_with_users(tmp_path_factory.mktemp("chatd"), ["ann", "ben"], SETTINGS) as running:
        Chatctl(running)("--token", OPERATOR, "room", "create", "lobby", "ann", "ben")
        yield running


def test_lines_from_a_pipe_are_sent_as_fast_as_is_allowed(daemon: Daemon) -> None:
    lines = [f"line {number}" for number in range(150)]
    done = Chatctl(daemon)("--token", token_of("ann"), "--timeout", "0.5", "send", "lobby", stdin="\n".join(lines))
    assert "150 sent" in done.stderr
    assert done.stderr.count("slowing down: this profile may send") == 1
    shown = Chatctl(daemon).json("--token", token_of("ann"), "room", "history", "show", "lobby", "--limit", "150")
    assert [row["text"] for row in shown] == lines


def test_who_gives_up_says_when_to_come_again(daemon: Daemon) -> None:
    ben = Chatctl(daemon)
    ben("--token", token_of("ben"), "send", "lobby", "".join(random.Random(1).choices(string.ascii_letters, k=60_000)))
    done = ben("--token", token_of("ben"), "--timeout", "0.2", "send", "lobby", "hello", code=1)
    assert re.search(r"chatctl: this profile may send 10,000 bytes a second; try again in \d\.\ds \(RATE_LIMITED\)", done.stderr), (
        done.stderr
    )
