"""Audit lines keep ids and numbers of a request."""

from chatd.core.audit import MAX_IDS, MAX_TEXT, AuditKind, AuditLine, from_pb, make_line_id, objects_of
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1 import chat_pb2

SECRET = "c4nary"


def test_objects_are_ids_and_numbers() -> None:
    purge = admin_pb2.PurgeRoomHistoryRequest(room_id="lobby", up_to_seq=7)
    assert objects_of(type(purge), purge.SerializeToString()) == "room_id=lobby up_to_seq=7"
    page = admin_pb2.ListDevicesRequest(
        profile_id="bob", after_profile_id="bob", after_device_id="d", limit=9
    )
    assert objects_of(type(page), page.SerializeToString()) == "profile_id=bob"
    revoke = admin_pb2.RevokeTokensRequest(digest=b"digest of a token", expires_at_us=5)
    assert (
        objects_of(type(revoke), revoke.SerializeToString()) == f"digest={b'digest o'.hex()} expires_at_us=5"
    )
    assert objects_of(admin_pb2.PurgeRoomHistoryRequest, b"\xff") == ""
    level = admin_pb2.SetLogLevelRequest(level="debug", gateway_id="g1")
    assert objects_of(type(level), level.SerializeToString()) == "level=debug gateway_id=g1"
    trace = admin_pb2.TraceStreamRequest(profile_id="bob", device_id="d", payloads=True)
    assert objects_of(type(trace), trace.SerializeToString()) == "profile_id=bob device_id=d payloads=yes"


def test_contents_names_and_keys_are_not_among_them() -> None:
    for request in (
        chat_pb2.UpdateRoomRequest(room_id="lobby", name=SECRET),
        chat_pb2.CreateRoomRequest(room_id="lobby", name=SECRET),
        chat_pb2.SendEventsRequest(events=[chat_pb2.RoomEvent(event_id=SECRET, room_id=SECRET)]),
        chat_pb2.SetPushRequest(
            device_id="d", notifier="webpush", endpoint=SECRET, p256dh=SECRET, auth=SECRET
        ),
    ):
        assert SECRET not in objects_of(type(request), request.SerializeToString())


def test_lists_and_texts_are_cut() -> None:
    drop = admin_pb2.DropDeadLettersRequest(letter_ids=[f"l{number}" for number in range(MAX_IDS + 5)])
    objects = objects_of(type(drop), drop.SerializeToString())
    assert objects.startswith("letter_ids=l0,l1,")
    assert objects.endswith(f",l{MAX_IDS - 1},+5")
    room = admin_pb2.GetRoomRequest(room_id="r\0" + "x" * 1_000_000)
    objects = objects_of(type(room), room.SerializeToString())
    assert len(objects) == len("room_id=") + MAX_TEXT
    assert "\0" not in objects


def test_ids_of_lines_ascend_with_time() -> None:
    ids = [make_line_id(at_us, b"\xff" * 6) for at_us in (0, 1, 10**15, 10**15 + 1)]
    assert ids == sorted(ids)
    assert make_line_id(5, b"") <= make_line_id(5, b"\0")


def test_over_the_wire_and_back() -> None:
    line = AuditLine(AuditKind.USE, "ops", "bob", "::1", "g", "m", "o", "done", 3, make_line_id(7, b"x"), 7)
    assert from_pb(line.to_pb()) == line
