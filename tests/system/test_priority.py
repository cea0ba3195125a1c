"""A device with a long bulk backlog and an urgent event in another room: shown before the backlog
is through, every room in its own order."""

import asyncio
from pathlib import Path

from chatd.client import BULK, HEAD, Client, Delivery, message
from tests.system.deployment import Deployment

BACKLOG = 3_000


async def test_an_urgent_event_arrives_before_the_bulk_backlog_is_through(
    db_uri: str, tmp_path: Path
) -> None:
    with Deployment(tmp_path, db_uri, defaults=1, gateways=1) as deployment:
        uri, token = deployment.uri(), deployment.token
        async with Client(uri, token, profile="alice") as alice, Client(uri, token, profile="bob") as bob:
            for room in ("a-bulk", "b-calls"):
                await alice.create_room(room, profiles=["bob"])
            async with bob.stream("d", start=HEAD) as stream:
                await stream.opened()
            for start in range(0, BACKLOG, 250):
                await alice.send_events(
                    [message("a-bulk", f"{start + number}", priority=BULK) for number in range(250)]
                )
            await alice.send("b-calls", "while you were away", priority=2)
            await alice.send("b-calls", "later", priority=BULK)
            shown = await asyncio.wait_for(catch_up(bob, alice), 60)
    texts = [one.text for one in shown]
    assert texts[0] == "while you were away", "it was owed from the start"
    assert texts.index("ring") < 200, "it came live"
    assert texts.index("missed you") < 1_000
    assert [one.text for one in shown if one.room_id == "a-bulk"] == [
        str(number) for number in range(BACKLOG)
    ]
    assert [one.seq for one in shown if one.room_id == "b-calls"] == list(range(2, 7))
    assert [(one.priority, one.mentions) for one in shown if one.text in ("ring", "missed you")] == [
        (3, ()),
        (1, ("bob",)),
    ]


async def catch_up(bob: Client, alice: Client) -> list[Delivery]:
    """The events that bob's device shows, in order. It is rung up when the first of its backlog has
    come."""
    shown: list[Delivery] = []
    async with bob.stream("d", window_messages=64, start=HEAD) as stream:
        async for delivery in stream:
            shown.append(delivery)
            if delivery.text == "50":
                await alice.send("b-calls", "ring", priority=3)
            if delivery.text == "500":
                await alice.send_events(
                    [message("b-calls", "a"), message("b-calls", "missed you", mentions=["bob"])]
                )
            if len(shown) == BACKLOG + 5:
                break
        stream.acknowledge()
    return shown
