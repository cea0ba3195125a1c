"""chatctl connections, against a real daemon."""

import signal

from tests.chatctl.command import Chatctl


def test_a_device_is_listed_while_it_is_connected(chatctl: Chatctl, room: str) -> None:
    tail = chatctl.start("--as", room, "tail", "--take-over", "--device", "d")
    assert tail.stdout is not None
    tail.stdout.readline()
    (row,) = chatctl.json("connections", "--profile", room)
    assert (row["device_id"], row["gateway_id"], row["client"]) == ("d", "all", "chatctl")
    *cells, since, heard = (
        chatctl("connections", "--no-headers", "--profile", room).stdout.strip().split("\t")
    )
    assert cells == [room, "d", str(row["epoch"]), "all", "chatctl"]
    assert since.endswith("s")
    assert heard.endswith("s ago")
    tail.send_signal(signal.SIGINT)
    tail.communicate(timeout=10)
    assert chatctl.json("connections", "--profile", room) == []
