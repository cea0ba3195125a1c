"""chatctl audit."""

from chatctl.audit import COLUMNS
from chatctl.columns import cells
from chatd.pb.admin.v1.admin_pb2 import AUDIT_KIND_USE, AuditLine
from tests.chatctl.command import Chatctl


def test_pages_and_times(chatctl: Chatctl) -> None:
    for name in ("one", "two", "three"):
        chatctl("room", "create", name)
    lines = chatctl.json("audit", "--profile", "operator", "--since", "1h")
    made = [line["objects"] for line in lines if line["what"] == "ChatService/CreateRoom"]
    assert made == ["room_id=three", "room_id=two", "room_id=one"], "the newest first"
    assert all(line["at_us"] for line in lines)
    first = chatctl("audit", "--limit", "1")
    assert "--after" in first.stderr
    after = first.stderr.split()[-1]
    assert chatctl.json("audit", "--after", after, "--limit", "1")[0]["line_id"] < after
    assert chatctl.json("audit", "--profile", "nobody") == []


def test_a_line_for_people() -> None:
    line = AuditLine(
        at_us=1,
        profile_id="ops",
        acting_for="bob",
        address="::1",
        gateway_id="g",
        what="m",
        outcome="done",
        repeated=3,
    )
    line.kind = AUDIT_KIND_USE
    assert cells(line, COLUMNS)[1:] == ["ops as bob", "::1 at g", "m", "-", "done (and 3 times before)"]
