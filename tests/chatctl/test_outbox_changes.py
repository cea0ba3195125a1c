"""chatctl outbox skip and replay, against a real daemon."""

import asyncio
from typing import Any

import pytest
from typer.testing import CliRunner

from chatctl.outbox import app
from chatd.client import HEAD, Client
from chatd.pb.admin.v1 import admin_pb2
from tests.chatctl.command import Chatctl
from tests.daemons import Daemon, operator_token


def tail(chatctl: Chatctl, profile: str) -> list[dict[str, Any]]:
    """All that the device is owed, which it acknowledges."""
    device = ("tail", "--take-over", "--device", "d", "--until-caught-up")
    return chatctl.json_lines("--as", profile, *device)


def question(chatctl: Chatctl, *arguments: str, typed: str, code: int = 0) -> str:
    return " ".join(chatctl.on_terminal("outbox", *arguments, typed=typed, code=code).split())


def test_skip_asks_and_says_how_many(chatctl: Chatctl, filled: str) -> None:
    where = ("skip", f"{filled}/d", "--room", filled, "--until", "9")
    asked = question(chatctl, *where, typed="n\n", code=1)
    assert f"Skip 9 events of 1 room that {filled}/d is owed?" in asked
    assert chatctl.json("outbox", *where, "--dry-run") == {
        "profile_id": filled,
        "device_id": "d",
        "dry_run": True,
        "skipped": 9,
        "rooms": 1,
    }
    assert "skipped: 9" in question(chatctl, *where, typed="y\n")
    marker, *rest = tail(chatctl, filled)
    assert marker["skipped"] == {"first_seq": 1, "last_seq": 9, "reason": "OPERATOR"}
    assert [one["text"] for one in rest] == ["line 8", "line 9"]
    assert "an operator skipped it" in chatctl("why", f"{filled}:3", f"{filled}/d").stdout


def test_one_event_by_its_place_or_id_and_then_all(chatctl: Chatctl, filled: str) -> None:
    device = ("outbox", "skip", f"{filled}:d")
    id_ = next(one["event_id"] for one in chatctl.json("outbox", "show", filled) if one["seq"] == 5)
    assert chatctl.json(*device, id_, "--yes")["skipped"] == 1
    again = chatctl(*device, f"{filled}:5", "--yes", code=1)
    assert f"{filled}/d is not owed {filled}:5, or has a marker in its place" in again.stderr
    assert "dry_run\tno\nskipped\t11\nrooms\t1\n" in chatctl(*device, "--all", "--yes").stdout
    lines = [one for one in chatctl.json("audit") if one["what"] == "AdminService/SkipOutbox"]
    assert f"profile_id={filled} device_id=d room_id={filled} seq=5" in {one["objects"] for one in lines}


def test_replay_asks_and_says_how_many_and_what_is_gone(chatctl: Chatctl, filled: str) -> None:
    tail(chatctl, filled)
    chatctl("room", "history", "purge", filled, "--up-to", "3", "--yes")
    where = ("replay", f"{filled}/d", "--from", "1h")
    asked = question(chatctl, *where, typed="n\n", code=1)
    assert f"Owe {filled}/d 8 events of 1 room again; 3 more are no longer kept?" in asked
    assert chatctl.json("outbox", *where, "--room", filled, "--yes") == {
        "profile_id": filled,
        "device_id": "d",
        "dry_run": False,
        "replayed": 8,
        "rooms": 1,
        "no_longer_kept": 3,
    }
    lines = tail(chatctl, filled)
    assert [(one["seq"], one["replay"]) for one in lines] == [(seq, True) for seq in range(4, 12)]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("skip bob/phone", "give one of EVENT, --until and --all"),
        ("skip bob/phone lobby:1 --all", "give one of EVENT, --until and --all"),
        ("skip bob --all", "is no PROFILE/DEVICE"),
        ("skip bob/phone --until 17", "a seq needs --room"),
        ("skip bob/phone --until 99999999999999999999 --room lobby", "is no seq"),
        ("skip bob/phone lobby:1 --room lobby", "an event names its room itself"),
        ("replay bob/phone --from yesterday", "is not a time"),
        ("replay bob/phone", "Missing option '--from'"),
    ],
)
def test_what_makes_no_sense_is_the_callers_mistake(arguments: str, why: str) -> None:
    done = CliRunner().invoke(app, arguments.split(), env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert why in done.output


def test_a_client_that_is_connected_gets_replays_each_time(daemon: Daemon, filled: str) -> None:
    """Without a word of its own: the SDK opens the stream again."""

    async def device() -> list[tuple[int, bool]]:
        token = operator_token(daemon.folder)
        seen: list[tuple[int, bool]] = []
        async with (
            Client(daemon.uri, token) as operator,
            Client(daemon.uri, token, profile=filled) as client,
            client.stream("d", start=HEAD) as stream,
            asyncio.timeout(20),
        ):
            for last in (11, 13, 15):
                while len(seen) < last:
                    delivery = await anext(stream)
                    seen.append((delivery.seq, delivery.replay))
                stream.acknowledge()
                request = admin_pb2.ReplayOutboxRequest(
                    profile_id=filled, device_id="d", room_id=filled, from_seq=10
                )
                while True:  # until the acks are written
                    done = await operator.call(
                        "AdminService/ReplayOutbox", request, admin_pb2.ReplayOutboxResponse
                    )
                    if done.replayed == 2:
                        break
        return seen

    assert asyncio.run(device())[11:] == [(10, True), (11, True)] * 2


def test_nobody_can_be_asked_without_a_terminal(chatctl: Chatctl, filled: str) -> None:
    assert "give --yes" in chatctl("outbox", "skip", f"{filled}/d", "--all", code=2).stderr
