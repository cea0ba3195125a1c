"""A database that holds an event nobody can parse: its room goes on, on devices of every kind and
in its history, and other users notice nothing."""

import asyncio
import sqlite3
from pathlib import Path

from chatd.client import HEAD, Client
from chatd.core.wire import encode_delivery
from chatd.pb.events.v1.payloads_pb2 import EventLink, SkipReason
from tests.daemons import Daemon, operator_token
from tests.protocol.conversation import Conversation, seqs
from tests.protocol.test_poison import nested

SEQ = 3


def spoil(database: Path) -> None:
    link = EventLink(event_id="x", room_id="r", seq=SEQ, sender_id="alice", type=1)  # type: ignore[arg-type]
    with sqlite3.connect(database) as connection:
        connection.execute(
            "UPDATE room_event SET delivery = ? WHERE room_id = 'r' AND seq = ?",
            (encode_delivery(link, nested(49)), SEQ),
        )
    connection.close()


async def test_a_stored_event_that_nobody_can_parse(tmp_path: Path) -> None:
    daemon = Daemon("all", tmp_path, {"COMPRESS_MIN_BYTES": 0})
    with daemon:
        token = operator_token(tmp_path)
        with Conversation(daemon.uri, token, "alice") as alice, Conversation(daemon.uri, token, "bob") as bob:
            alice.create_room("r", "bob")
            alice.create_room("quiet")
            for device in ("sdk", "plain"):
                bob.open(device)
                bob.hear_kind("caught_up")
            assert alice.send_texts("r", *"abcd") == [2, 3, 4, 5]
    spoil(tmp_path / "chatd.db")
    with (
        daemon,
        Conversation(daemon.uri, token, "alice") as alice,
        Conversation(daemon.uri, token, "bob") as bob,
    ):
        async with (
            Client(daemon.uri, token, profile="bob") as client,
            client.stream("sdk", start=HEAD) as stream,
        ):
            shown = []
            async with asyncio.timeout(20):
                async for one in stream:
                    shown.append(one)
                    if one.seq == 5:
                        break
            page, _ = await client.history("r")
            # Many at once share the batches of the reader: none of their answers is lost.
            async with asyncio.timeout(20):
                pages = await asyncio.gather(*(client.history("r") for _ in range(200)))
        bob.open("plain")
        heard = bob.deliveries(4)
        for number in range(5):
            assert alice.send_texts("quiet", f"{number}") == [number + 2]
    assert [one.seq for one in shown] == seqs(heard) == [2, 3, 4, 5]
    assert [one.text for one in shown] == ["a", "3 will not come: damaged where it was stored", "c", "d"]
    assert heard[1].skipped.reason == SkipReason.SKIP_REASON_UNREADABLE
    assert [one.text for one in page][2] == "3 will not come: damaged where it was stored"
    assert all(len(one) == 5 for one, _ in pages)
    log = daemon.log.read_text()
    assert log.count("A stored event cannot be read") == 1
