"""chatctl presence, against a real daemon."""

import json
import signal

from chatctl.presence import state_name
from chatd.pb.events.v1.signals_pb2 import Presence
from tests.chatctl.command import Chatctl
from tests.protocol.limited import token_of


def test_presence(chatctl: Chatctl) -> None:
    chatctl.create_room("seen", "erin")
    assert (
        chatctl("--as", "alice", "presence", "erin", "alice").stdout
        == "profile\tstate\nerin\toffline\nalice\toffline\n"
    )
    tail = chatctl.start("--as", "erin", "tail", "--device", "d")
    watching = chatctl.start("--as", "alice", "presence", "erin", "--watch", "--json")
    try:
        assert watching.stdout is not None
        rows = []
        for line in watching.stdout:
            rows.append(json.loads(line))
            if rows[-1]["state"] == "online":
                break
        assert rows[-1]["state"] == "online"
        assert [list(row) for row in rows] == [["kind", "profile_id", "state", "at_us"]] * len(rows)
        assert {row["kind"] for row in rows} == {"presence"}
        shown = chatctl.json("--as", "alice", "presence", "erin")
        assert shown == [{"profile_id": "erin", "state": "online"}]
    finally:
        for process in (tail, watching):
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)


def test_profiles_that_share_no_room_are_named(limited: Chatctl) -> None:
    shown = limited("--token", token_of("ann"), "presence", "ben", "zoe")
    assert shown.stderr == "not visible to you: ben, zoe\n", "ben takes no part in the lobby yet"
    limited("--token", token_of("ben"), "read", "lobby")
    shown = limited("--token", token_of("ann"), "presence", "ben", "zoe")
    assert shown.stdout == "profile\tstate\nben\toffline\n"
    assert shown.stderr == "not visible to you: zoe\n"


def test_states_have_names_unless_they_are_of_a_later_version() -> None:
    later = Presence.FromString(Presence(state=9).SerializeToString())  # type: ignore[arg-type]
    assert state_name(later.state) == "9"
