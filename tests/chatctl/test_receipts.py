"""chatctl receipts, against a real daemon."""

from tests.chatctl.command import Chatctl


def test_receipts(chatctl: Chatctl) -> None:
    chatctl("--as", "bob", "tail", "--take-over", "--device", "phone", "--count", "0")
    chatctl.create_room("r", "bob", "carol")
    chatctl.send_texts("r", "1", "2", "3")
    chatctl("--as", "bob", "read", "r", "3")
    chatctl("--as", "bob", "tail", "--take-over", "--device", "phone", "--until-caught-up")

    shown = chatctl("--as", "alice", "receipts", "r", "3", "--no-headers")
    assert "2 recipients: 1 has received it, 1 has read it" in shown.stderr
    bob, carol = (line.split("\t") for line in shown.stdout.splitlines())
    assert (bob[:3], carol) == (["bob", "phone", "-"], ["carol", "-", "-", "no"])
    page = chatctl("--as", "alice", "receipts", "r", "3", "--limit", "1")
    assert "for the next ones: --after bob\n" in page.stderr
    rest = chatctl.json("--as", "alice", "receipts", "r", "3", "--limit", "1", "--after", "bob")
    assert [row["profile_id"] for row in rest] == ["carol"]
    rows = chatctl.json("--as", "alice", "receipts", "r", "4")
    assert [(row["profile_id"], row["read"], row["devices"]) for row in rows] == [
        ("bob", False, {"phone": "acknowledged"}),
        ("carol", False, {}),
    ]
    assert "EVENT_NOT_FOUND" in chatctl("--as", "alice", "receipts", "r", "99", code=1).stderr
