"""A script does one thing, without a loop."""

import asyncio
from pathlib import Path

import pytest

from chatd.client import once
from chatd.errors import NotAMember
from tests.daemons import Daemon
from tests.protocol.limited import daemon_with_users, token_of


def test_one_thing_is_done(tmp_path: Path) -> None:
    daemon: Daemon = daemon_with_users(tmp_path, ["ann"], {})
    with daemon:
        token = token_of("ann")
        room = once(daemon.uri, token, lambda client: client.create_room("r"))
        assert room.created_by == "ann"
        assert once(daemon.uri, token, lambda client: client.send("r", "done")).seq == 2
        with pytest.raises(NotAMember):
            once(daemon.uri, token, lambda client: client.send("none", "done"))


async def test_it_is_no_part_of_a_loop() -> None:
    with pytest.raises(RuntimeError):
        once("tcp://127.0.0.1:1", "token", lambda client: asyncio.sleep(0))
