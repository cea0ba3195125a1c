"""chatctl profile erase, against a real daemon."""

from tests.chatctl.command import Chatctl


def test_a_profile_is_erased(chatctl: Chatctl, filled: str) -> None:
    chatctl("--as", filled, "send", filled, "my secret")
    assert chatctl.json("profile", "erase", filled, "--yes") == {"profile_id": filled, "events_erased": 3}
    history = chatctl.json("--as", "alice", "room", "history", "show", filled)
    assert "my secret" not in str(history)
    assert [row["type"] for row in history][-2:] == [3, 2], "its place, and that somebody left"
    assert history[-1]["payload"]["left"] == ["erased:"]
    assert [row["sender_id"] for row in history if row["sender_id"] != "alice"] == ["erased:", "erased:"]
    assert "NOT_A_MEMBER" in chatctl("--as", filled, "send", filled, "back", code=1).stderr


def test_nothing_is_erased_without_a_yes(chatctl: Chatctl, filled: str) -> None:
    assert "give --yes" in chatctl("profile", "erase", filled, stdin="y\n", code=2).stderr
    assert "Aborted" in chatctl.on_terminal("profile", "erase", filled, typed="\n", code=1)
    history = chatctl.json("--as", "alice", "room", "history", "show", filled)
    assert [row["text"] for row in history[1:]] == [f"line {number}" for number in range(10)]


def test_no_profile_named_is_the_callers_mistake(chatctl: Chatctl) -> None:
    assert "Missing argument" in chatctl("profile", "erase", code=2).stderr
