"""chatctl connections, against a real daemon."""

import signal

from chatctl.connections import had_none
from chatd.pb.admin.v1 import admin_pb2
from tests.chatctl.command import Chatctl


def test_a_device_is_listed_while_it_is_connected(chatctl: Chatctl, room: str) -> None:
    tail = chatctl.start("--as", room, "tail", "--take-over", "--device", "d")
    assert tail.stdout is not None
    tail.stdout.readline()
    (row,) = chatctl.json_when(bool, "connections", "--profile", room)
    assert (row["device_id"], row["gateway_id"], row["client"]) == ("d", "all", "chatctl")
    for after, listed in (("c", [row["epoch"]]), ("d", [])):
        rest = chatctl.json("connections", "--profile", room, "--after", f"{room}:{after}")
        assert [one["epoch"] for one in rest] == listed
    *cells, since, heard = (
        chatctl("connections", "--no-headers", "--profile", room).stdout.strip().split("\t")
    )
    assert cells == [room, "d", str(row["epoch"]), "all", "chatctl"]
    assert since.endswith("s")
    assert heard.endswith("s ago")
    tail.send_signal(signal.SIGINT)
    tail.communicate(timeout=30)
    assert chatctl.json_when(lambda rows: not rows, "connections", "--profile", room) == []


def test_a_stream_is_ended_and_comes_back(chatctl: Chatctl, room: str) -> None:
    tail = chatctl.start("--as", room, "tail", "--take-over", "--device", "d")
    assert tail.stdout is not None
    assert tail.stderr is not None
    tail.stdout.readline()
    assert "nobody can be asked" in chatctl("connection", "kick", room, code=2).stderr
    (ended,) = chatctl.json("connection", "kick", f"{room}/d", "--yes")
    assert (ended["profile_id"], ended["device_id"], ended["gateway_id"]) == (room, "d", "all")
    while "an operator ended the stream" not in tail.stderr.readline():
        pass
    chatctl.send_texts(room, "it is back")
    assert "it is back" in tail.stdout.readline()
    tail.send_signal(signal.SIGINT)
    tail.communicate(timeout=10)
    assert "had no stream" in chatctl("connection", "kick", room, "--yes").stderr


def test_a_silent_gateway_may_still_have_a_stream() -> None:
    assert had_none(admin_pb2.KickConnectionsResponse())
    assert not had_none(admin_pb2.KickConnectionsResponse(silent=["gateway g2"]))
    ended = [admin_pb2.EndedStream(profile_id="bob")]
    assert not had_none(admin_pb2.KickConnectionsResponse(ended=ended))
