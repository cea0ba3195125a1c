import json
import time

from tests.chatctl.command import Chatctl


def test_all_is_well_in_a_new_chatd(chatctl: Chatctl) -> None:
    deadline = time.monotonic() + 20
    while not any(node["kind"] == "gateway" for node in chatctl.json("nodes")):
        assert time.monotonic() < deadline, "the gateway takes its lease soon after it is ready"
    found = {one["check"]: one for one in json.loads(chatctl("check", "--json").stdout)}
    assert {one["verdict"] for one in found.values()} == {"good"}
    assert {"answer", "database", "versions", "deliveries", "dead letters", "notifications"} <= set(found)
    assert {"clock", "limits", "disk", "units", "keys", "database settings"} <= set(found)
    assert any(name.startswith("default ") for name in found)
    assert any(name.startswith("gateway ") for name in found)


def test_something_bad_ends_with_3(chatctl: Chatctl, room: str) -> None:
    """A device that is connected, and does not take what it is owed."""
    chatctl.send_texts(room, "hello")
    tail = chatctl.start("--as", room, "tail", "--device", "d", "--take-over", "--json")
    try:
        assert tail.stdout is not None
        tail.stdout.readline()
        chatctl("check", "--owed-for", "1d")
    finally:
        tail.kill()
        tail.communicate()
    chatctl("check", "--owed-for", "soon", code=2)
