"""Retention as a whole daemon does it: by count, around devices that are owed, with a marker for
who was away too long, sends going on."""

import asyncio
from pathlib import Path
from typing import Any

from chatd.client import HEAD, Client
from chatd.pb.admin.v1 import admin_pb2
from chatd.store.database import Database
from tests.system.deployment import Deployment

KEEP = 50


async def status(client: Client) -> admin_pb2.GetStatusResponse:
    return await client.call(
        "AdminService/GetStatus", admin_pb2.GetStatusRequest(), admin_pb2.GetStatusResponse
    )


async def test_old_events_go_and_devices_beyond_their_limit_are_told(db_uri: str, tmp_path: Path) -> None:
    rules: dict[str, Any] = {"RETENTION_EVENTS": KEEP, "BACKLOG_EVENTS": 500, "RETENTION_SWEEP_SECONDS": 0.2}
    with Deployment(tmp_path, db_uri, defaults=1, gateways=1, **rules) as deployment:
        uri, token = deployment.uri(), deployment.token
        async with (
            Client(uri, token, profile="alice", call_timeout=30) as alice,
            Client(uri, token, profile="bob") as bob,
            Client(uri, token, profile="carol") as carol,
        ):
            async with bob.stream("phone", start=HEAD) as phone, carol.stream("away", start=HEAD) as away:
                await phone.opened()
                await away.opened()
            await alice.create_room("r", profiles=["bob", "carol"])
            for number in range(400):
                await alice.send("r", f"{number}")
            # Both are owed 401 events, within their limit: nothing goes.
            await asyncio.sleep(0.6)
            assert (await status(alice)).events_purged == 0
            shown = []
            async with bob.stream("phone", start=HEAD) as phone:
                async with asyncio.timeout(20):
                    async for delivery in phone:
                        shown.append(delivery.seq)
                        assert delivery.skipped is None
                        if delivery.seq == 401:
                            phone.acknowledge()
                            break
            assert shown == list(range(1, 402))
            for number in range(400, 600):
                await alice.send("r", f"{number}")
            # Carol's device is owed more than 500 now; bob's is owed 200: those stay.
            async with asyncio.timeout(20):
                while (await status(alice)).events_purged < 401:
                    await asyncio.sleep(0.05)
            async with bob.stream("phone", start=HEAD) as phone, asyncio.timeout(20):
                await phone.caught_up()
                first = await anext(phone)
                assert (first.seq, first.skipped) == (402, None)
            async with carol.stream("away", start=HEAD) as away, asyncio.timeout(20):
                marker = await anext(away)
                assert marker.skipped is not None
                assert (marker.skipped.first_seq, marker.seq, marker.text) == (
                    1,
                    401,
                    "1 to 401 will not come: no longer kept",
                )
                assert (await anext(away)).seq == 402


async def test_a_device_that_was_away_too_long_begins_anew_and_is_told(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/c.db"
    with Deployment(
        tmp_path, uri, defaults=1, gateways=1, DEVICE_EXPIRY_DAYS=1, RETENTION_SWEEP_SECONDS=0.2
    ) as deployment:
        async with Client(deployment.uri(), deployment.token, profile="bob") as bob:
            async with bob.stream("old", start=HEAD) as old:
                await old.opened()
            database = Database(uri)
            with database.connection(readonly=False):
                database.run("UPDATE device SET seen_at_us = seen_at_us - 2 * CAST(86400000000 AS BIGINT)")
                async with asyncio.timeout(20):
                    while database.rows("SELECT COUNT(*) FROM device") != [(0,)]:
                        await asyncio.sleep(0.05)
            assert (await status(bob)).devices_expired == 1
