"""chatctl dead-letter, room history purge, profile erase, nodes: what operators do to what is stored, against a real daemon."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from chatd.client import Client
from tests.chatctl.test_chatctl import Chatctl
from tests.daemons import Daemon, operator_token


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon("all", tmp_path_factory.mktemp("chatd"), {"NODE_LEASE_SECONDS": 3}) as running:
        yield running


@pytest.fixture
def chatctl(daemon: Daemon) -> Chatctl:
    return Chatctl(daemon)


@pytest.fixture
def room(chatctl: Chatctl, request: pytest.FixtureRequest) -> str:
    """A room of alice and a profile named as the room, whose device "d" is owed ten lines."""
    name = str(request.node.name).replace("_", "-")[:60]
    chatctl("--as", name, "tail", "--device", "d", "--count", "0")
    chatctl("--as", "alice", "room", "create", name, name)
    chatctl("--as", "alice", "send", name, "-", stdin="".join(f"line {number}\n" for number in range(10)))
    return name


def reject(daemon: Daemon, profile: str, text: str) -> None:
    """As the profile's device: refuse one line, handle the rest."""

    async def device() -> None:
        async with Client(daemon.uri, operator_token(daemon.folder), profile=profile) as client, client.stream("d") as stream:
            async with asyncio.timeout(10):
                async for delivery in stream:
                    if delivery.text == text:
                        stream.reject(delivery, "cannot\x07 read it")
                    if delivery.seq == 11:
                        return

    asyncio.run(device())


def letter_of(chatctl: Chatctl, profile: str) -> dict[str, object]:
    end = time.monotonic() + 10
    while not (rows := chatctl.json("dead-letter", "list", "--profile", profile)):
        assert time.monotonic() < end, "no dead letter"
    (row,) = rows
    return dict(row)


def test_a_dead_letter_is_listed_shown_replayed(chatctl: Chatctl, daemon: Daemon, room: str) -> None:
    reject(daemon, room, "line 3")
    row = letter_of(chatctl, room)
    assert (row["room_id"], row["seq"], row["reason"], row["attempts"], row["replaying"]) == (room, 5, "REJECTED", 1, False)
    assert row["text"] == "cannot  read it"
    letter = str(row["letter_id"])
    assert f"{letter}\t{room}\td\t{room}\t5\trejected\t1\t" in chatctl("dead-letter", "list").stdout
    shown = chatctl("dead-letter", "show", letter).stdout
    assert "reason\tREJECTED\n" in shown
    assert "line 3" not in shown, "contents are never shown"

    assert chatctl.json("dead-letter", "replay", letter) == [{"replayed": letter}]
    lines = chatctl("--as", room, "tail", "--device", "d", "--count", "1", "--json").stdout
    assert '"text": "line 3"' in lines
    assert '"replay": true' in lines
    assert chatctl.json("dead-letter", "list", "--profile", room) == []


def test_a_dead_letter_is_dropped_and_unknown_ones_are_named(chatctl: Chatctl, daemon: Daemon, room: str) -> None:
    reject(daemon, room, "line 1")
    letter = str(letter_of(chatctl, room)["letter_id"])
    assert chatctl("dead-letter", "drop", letter).stdout == f"{letter}\n"
    again = chatctl("dead-letter", "drop", letter, "other", code=1)
    assert f"2 dead letters do not exist: {letter}, other (EVENT_NOT_FOUND)" in again.stderr
    assert "EVENT_NOT_FOUND" in chatctl("dead-letter", "show", letter, code=1).stderr
    assert "EVENT_NOT_FOUND" in chatctl("dead-letter", "replay", letter, code=1).stderr


def test_a_rooms_history_is_purged_and_devices_are_told(chatctl: Chatctl, room: str) -> None:
    purged = chatctl.json("room", "history", "purge", room, "--up-to", "6", "--yes")
    assert purged == {"room_id": room, "removed": 6, "first_seq": 7}
    assert [row["seq"] for row in chatctl.json("--as", "alice", "room", "history", "show", room)] == [7, 8, 9, 10, 11]
    shown = chatctl("--as", room, "tail", "--device", "d", "--until-caught-up").stdout.splitlines()
    assert shown[0] == f"{room}\t6\t-\t-\t1 to 6 will not come: no longer kept"
    assert len(shown) == 6
    assert chatctl.json("room", "history", "purge", room, "--older-than", "1h", "--yes")["removed"] == 0
    assert chatctl.json("room", "history", "purge", room, "--all", "--yes") == {"room_id": room, "removed": 5, "first_seq": 12}


def test_a_marker_in_json_says_what_is_missing(chatctl: Chatctl, room: str) -> None:
    chatctl("room", "history", "purge", room, "--all", "-y")
    line = chatctl("--as", room, "tail", "--device", "d", "--json", "--until-caught-up").stdout
    assert '"skipped": {"first_seq": 1, "last_seq": 11, "reason": "RETENTION"}' in line


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("room", "history", "purge", "r", "--yes"), "give one of"),
        (("room", "history", "purge", "r", "--all", "--up-to", "3", "--yes"), "give one of"),
        (("room", "history", "purge", "r", "--older-than", "soon", "--yes"), "is not an age"),
        (("profile", "erase"), "Missing argument"),
        (("dead-letter", "drop"), "Missing argument"),
    ],
)
def test_usage(chatctl: Chatctl, arguments: tuple[str, ...], complaint: str) -> None:
    assert complaint in chatctl(*arguments, code=2).stderr


def test_nothing_is_removed_without_a_yes(chatctl: Chatctl, room: str) -> None:
    assert "Aborted" in chatctl("room", "history", "purge", room, "--all", stdin="n\n", code=1).stderr
    assert "Aborted" in chatctl("profile", "erase", room, stdin="\n", code=1).stderr
    assert len(chatctl.json("--as", "alice", "room", "history", "show", room)) == 11


def test_an_unknown_room_cannot_be_purged(chatctl: Chatctl) -> None:
    assert "ROOM_NOT_FOUND" in chatctl("room", "history", "purge", "nowhere", "--all", "-y", code=1).stderr


def test_a_profile_is_erased(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", room, "send", room, "my secret")
    assert chatctl.json("profile", "erase", room, "--yes") == {"profile_id": room, "events_erased": 3}
    history = chatctl.json("--as", "alice", "room", "history", "show", room)
    assert "my secret" not in str(history)
    assert [row["type"] for row in history][-2:] == [3, 2], "its place, and that somebody left"
    assert history[-1]["payload"]["left"] == ["erased:"]
    assert [row["sender_id"] for row in history if row["sender_id"] != "alice"] == ["erased:", "erased:"]
    assert "NOT_A_MEMBER" in chatctl("--as", room, "send", room, "back", code=1).stderr


def test_nodes(chatctl: Chatctl, daemon: Daemon) -> None:
    end = time.monotonic() + 10
    while len(rows := [row for row in chatctl.json("nodes") if row["lease_left_us"] > 0]) < 2:
        assert time.monotonic() < end, rows
    assert {(row["node_id"], row["kind"]) for row in rows} == {("all", "default"), ("all", "gateway")}
    assert daemon.uri in {row["uri"] for row in rows}
    assert f"all\tgateway\t{daemon.uri}\t" in chatctl("nodes").stdout


def test_users_may_do_none_of_it(chatctl: Chatctl, daemon: Daemon) -> None:
    tokens = daemon.folder / "tokens.toml"
    tokens.write_text(tokens.read_text() + '[tokens.of-a-user]\nprofile = "eve"\nrole = "user"\n')
    daemon.stop()
    daemon.start()
    for arguments in (
        ("dead-letter", "list"),
        ("dead-letter", "drop", "x"),
        ("dead-letter", "replay", "x"),
        ("room", "history", "purge", "r", "--all", "-y"),
        ("profile", "erase", "alice", "-y"),
        ("nodes",),
    ):
        assert "PERMISSION_DENIED" in chatctl("--token", "of-a-user", *arguments, code=1).stderr
