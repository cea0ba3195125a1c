"""chatctl read, unread, against a real daemon."""

from tests.chatctl.command import Chatctl


def test_reading(chatctl: Chatctl) -> None:
    chatctl("--as", "alice", "room", "create", "r", "bob", "carol", "--name", "The room")
    chatctl.send_texts("r", "1", "2", "3")
    (row,) = chatctl.json("--as", "bob", "unread")
    assert list(row) == ["room_id", "read_seq", "read_at_us", "head_seq", "unread", "mentions", "name"]
    assert row | {"read_at_us": 0} == {
        "room_id": "r",
        "read_seq": 0,
        "read_at_us": 0,
        "head_seq": 4,
        "unread": 3,
        "mentions": 0,
        "name": "The room",
    }
    assert chatctl.json("--as", "bob", "read", "r", "3") == {
        "room_id": "r",
        "read_seq": 3,
        "unread": 1,
        "mentions": 0,
    }
    assert chatctl.json("--as", "bob", "read", "r", "2")["read_seq"] == 3
    assert chatctl("--as", "bob", "unread", "--no-headers").stdout.startswith("r\t1\t0\t3 of 4\t2")
    assert chatctl("--as", "carol", "unread", "--no-headers").stdout == "r\t3\t0\t0 of 4\tnever\n"
    assert chatctl.json("--as", "bob", "read", "r") == {
        "room_id": "r",
        "read_seq": 4,
        "unread": 0,
        "mentions": 0,
    }
    absent = chatctl("--as", "bob", "unread", "r", "nowhere", "--no-headers", code=1)
    assert absent.stdout.startswith("r\t0\t0\t")
    assert absent.stderr == "chatctl: not a member, or there is no such room: nowhere\n"
    assert "NOT_A_MEMBER" in chatctl("--as", "dave", "read", "r", code=1).stderr
    assert "NOT_A_MEMBER" in chatctl("--as", "alice", "read", "nowhere", code=1).stderr
