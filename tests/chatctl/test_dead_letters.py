"""chatctl dead-letter list, show, replay, drop, against a real daemon."""

import asyncio
import time

from chatd.client import HEAD, Client
from tests.chatctl.command import Chatctl
from tests.daemons import Daemon, operator_token


def reject(daemon: Daemon, profile: str, text: str) -> None:
    """As the profile's device: refuse one line, handle the rest."""

    async def device() -> None:
        token = operator_token(daemon.folder)
        async with (
            Client(daemon.uri, token, profile=profile) as client,
            client.stream("d", start=HEAD) as stream,
        ):
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


def test_a_dead_letter_is_listed_shown_replayed(chatctl: Chatctl, daemon: Daemon, filled: str) -> None:
    reject(daemon, filled, "line 3")
    row = letter_of(chatctl, filled)
    assert (row["room_id"], row["seq"], row["reason"], row["attempts"], row["replaying"]) == (
        filled,
        5,
        "REJECTED",
        1,
        False,
    )
    assert row["text"] == "cannot read it"
    letter = str(row["letter_id"])
    listed = chatctl("dead-letter", "list").stdout
    assert f"{letter}\t{filled}\td\t{filled}\t5\trejected\t1\t" in listed
    shown = chatctl("dead-letter", "show", letter).stdout
    assert "reason\tREJECTED\n" in shown
    assert "line 3" not in shown, "contents are never shown"

    assert chatctl.json("dead-letter", "replay", letter) == [{"replayed": letter}]
    lines = chatctl("--as", filled, "tail", "--take-over", "--device", "d", "--count", "1", "--json").stdout
    assert '"text": "line 3"' in lines
    assert '"replay": true' in lines
    assert chatctl.json("dead-letter", "list", "--profile", filled) == []


def test_a_dead_letter_is_dropped_and_unknown_named(chatctl: Chatctl, daemon: Daemon, filled: str) -> None:
    reject(daemon, filled, "line 1")
    letter = str(letter_of(chatctl, filled)["letter_id"])
    assert chatctl("dead-letter", "drop", letter).stdout == f"dropped\n{letter}\n"
    again = chatctl("dead-letter", "drop", letter, "other", code=1)
    assert again.stderr == f"chatctl: no such dead letter: {letter}, other\n"
    shown = chatctl("dead-letter", "show", letter, code=1).stderr
    assert shown == f"chatctl: no dead letter '{letter}'\n", "it is no event"
    assert "no longer kept" in chatctl("dead-letter", "replay", letter, code=1).stderr


def test_times_are_clocks_for_people_only(chatctl: Chatctl, daemon: Daemon, filled: str) -> None:
    reject(daemon, filled, "line 5")
    letter = str(letter_of(chatctl, filled)["letter_id"])
    shown = dict(line.split("\t") for line in chatctl("dead-letter", "show", letter).stdout.splitlines())
    json = chatctl.json("dead-letter", "show", letter)
    assert list(shown) == [key.removesuffix("_us") for key in json]
    for key in ("sent_at_us", "first_failed_at_us", "dead_at_us"):
        at = time.strptime(shown[key.removesuffix("_us")], "%Y-%m-%d %H:%M:%S")
        assert time.mktime(at) == json[key] // 1_000_000


def test_no_dead_letter_named_is_the_callers_mistake(chatctl: Chatctl) -> None:
    assert "give LETTERs, or --all" in chatctl("dead-letter", "drop", code=2).stderr
    assert "need --all" in chatctl("dead-letter", "drop", "l", "--profile", "bob", code=2).stderr


def test_all_dead_letters_of_a_profile_after_a_question(
    chatctl: Chatctl, daemon: Daemon, filled: str
) -> None:
    reject(daemon, filled, "line 3")
    letter_of(chatctl, filled)
    everything = ("--all", "--profile", filled, "--room", filled)
    asked = chatctl.on_terminal("dead-letter", "replay", *everything, typed="y\n")
    assert f"Replay 1 dead letter of profile {filled}, room {filled}?" in " ".join(asked.split())
    assert chatctl.json("dead-letter", "replay", *everything, "--yes") == {"replayed": 0}, "it is on its way"
    assert "give --yes" in chatctl("dead-letter", "drop", *everything, code=2).stderr
    assert chatctl.json("dead-letter", "drop", *everything, "--yes") == {"dropped": 1}
    objects = [line["objects"] for line in chatctl.json("audit") if "DropDead" in line["what"]]
    assert f"all=yes profile_id={filled} room_id={filled}" in objects
