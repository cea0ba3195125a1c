"""The advice under a list that was cut off works."""

import json
import shlex
import time

import pytest

from chatctl.paging import advice, next_page
from chatd.pb.gateway.v1.gateway_pb2 import Reject
from tests.chatctl.command import Chatctl
from tests.daemons import Daemon


def test_a_list_that_is_whole_needs_none() -> None:
    assert (advice(False, 10, 100), next_page(False, "x")) == ("", "")


def test_only_what_lists_more_is_advised() -> None:
    assert advice(True, 20, 100) == "there are more; ask with a --limit of up to 100"
    assert advice(True, 100, 100) == "there are more; the list is no longer than 100 rows"
    assert next_page(True, "lobby") == "there are more; for the next ones: --after lobby"
    assert next_page(True, "$(x)") == "there are more; for the next ones: --after '$(x)'"


@pytest.fixture(scope="module")
def owed(daemon: Daemon) -> str:
    """A profile whose two devices are owed events of two rooms, one of them with a name for which a
    shell needs quotes. They rejected one each."""
    chatctl = Chatctl(daemon)
    chatctl.make_device("paul", "a")
    chatctl.make_device("paul", "b")
    for room in ("p1", "p'2"):
        chatctl.create_room(room, "paul")
    chatctl.send_texts("p1", "one", "two")
    for device in "ab":
        with chatctl.speak("paul") as speaking:
            speaking.open(device, window_messages=1)
            speaking.deliveries(1)
            speaking.say(reject=Reject(delivery=1))
            speaking.ack(1)
            speaking.deliveries(1)
    deadline = time.monotonic() + 30
    while len(chatctl.json("dead-letter", "list", "--profile", "paul")) < 2:
        assert time.monotonic() < deadline
    return "paul"


@pytest.mark.parametrize(
    "command",
    [
        "outbox list --profile paul",
        "outbox list --sort owed:desc",
        "outbox show paul",
        "dead-letter list --profile paul",
        "room list --sort members",
    ],
)
def test_the_advice_leads_to_the_next_page(chatctl: Chatctl, owed: str, command: str) -> None:
    words = command.split()
    first = chatctl(*words, "--limit", "1", "--json")
    advised = shlex.split(first.stderr.rpartition("for the next ones: ")[2])
    assert advised[0] == "--after"
    pages = json.loads(first.stdout) + chatctl.json(*words, *advised)
    everything = chatctl.json(*words)
    for row in (*pages, *everything):
        row.pop("owed_for_us", None)
    assert pages == everything
    assert len(pages) > 1


def test_a_place_of_another_list_is_refused(chatctl: Chatctl) -> None:
    for words in (("outbox", "list"), ("notify", "list")):
        refused = chatctl(*words, "--after", "lobby", code=1).stderr
        assert "after 'lobby' is no place of this list" in refused


def test_help_says_how_fresh_a_connection_is(chatctl: Chatctl) -> None:
    assert "CONNECTION_TOUCH_SECONDS (60 s)" in " ".join(chatctl("connections", "--help").stdout.split())
