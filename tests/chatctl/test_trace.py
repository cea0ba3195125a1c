import json

from tests.chatctl.command import Chatctl


def test_frames_are_shown_as_they_come(chatctl: Chatctl, room: str) -> None:
    trace = chatctl.start("trace", f"{room}/d", "--count", "7", "--json")
    assert trace.stdout is not None
    assert trace.stderr is not None
    assert "is not connected" in trace.stderr.readline()
    chatctl("--as", room, "tail", "--take-over", "--device", "d", "--until-caught-up")
    frames = [json.loads(line) for line in trace.stdout]
    trace.communicate(timeout=20)
    kinds = [frame["kind"] for frame in frames]
    assert kinds[:2] == ["hello", "welcome"]
    assert {"deliveries", "ack"} <= set(kinds)
    (delivered,) = (frame for frame in frames if frame["kind"] == "deliveries")
    assert delivered["runs"] == [{"room_id": room, "first_seq": 1, "last_seq": 1}]
    assert not any(frame["payloads"] for frame in frames)


def test_a_profile_is_no_device(chatctl: Chatctl) -> None:
    assert "names no device" in chatctl("trace", "bob", code=2).stderr
