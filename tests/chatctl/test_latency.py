from tests.chatctl.command import Chatctl


def test_probes_take_the_real_path_and_leave_no_device(chatctl: Chatctl) -> None:
    stored, received = chatctl.json("latency", "--count", "5", "--every", "0")
    assert (stored["step"], received["step"], stored["probes"], received["probes"]) == (
        "stored",
        "received",
        5,
        5,
    )
    for one in (stored, received):
        assert 0 < one["least_ms"] <= one["median_ms"] <= one["p99_ms"] <= one["most_ms"]
    assert not [one for one in chatctl.json("device", "list") if one["device_id"].startswith("latency-")]
    chatctl("latency", "--count", "1")  # the room is there already


def test_a_room_of_others_is_refused(chatctl: Chatctl, room: str) -> None:
    assert "NOT_A_MEMBER" in chatctl("latency", "--room", room, "--count", "1", code=1).stderr
    assert not [one for one in chatctl.json("device", "list") if one["device_id"].startswith("latency-")]
