"""A token that is revoked ends its streams on every gateway within seconds, and is refused by all,
also by one that starts later."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chatd.client import HEAD, Client
from chatd.errors import Unauthenticated
from chatd.gateway.authentication.identity import digest_of
from chatd.pb.admin.v1 import admin_pb2
from tests.daemons import Daemon, free_port
from tests.gateway.authentication.issuer import RULE, Issuer, jwks

WITHIN = 5.0
"""Seconds until the last gateway has heard: two a second each of asking, and some for a busy
machine."""
ISSUER = Issuer()


class Deployment:
    """Two nodes on one PostgreSQL, a gateway for each; alice's tokens t1 and t2, and an
    operator's."""

    def __init__(self, folder: Path, database: str, stack: ExitStack) -> None:
        self.nodes: list[Daemon] = []
        self.gateways: list[Daemon] = []
        for number in (1, 2):
            shared = {
                "DEFAULT_URI": f"tcp://127.0.0.1:{free_port()}",
                "QUEUE_USER_EVENT_DELIVERY_URI": f"tcp://127.0.0.1:{free_port()}",
                "JWT_KEYS_FILE": folder / "keys.json",
                **RULE,
            }
            (folder / f"g{number}").mkdir()
            (folder / f"g{number}/tokens.toml").write_text(
                '[tokens.t1]\nprofile = "alice"\n[tokens.t2]\nprofile = "alice"\n'
                '[tokens.op]\nprofile = "ops"\nrole = "operator"\n'
            )
            node = Daemon(
                "default", folder / f"n{number}", {**shared, "DB_URI": database, "NODE_ID": f"n{number}"}
            )
            gateway = Daemon("gateway", folder / f"g{number}", {**shared, "NODE_ID": f"g{number}"})
            self.nodes.append(stack.enter_context(node))
            self.gateways.append(stack.enter_context(gateway))


@pytest.fixture
async def deployment(tmp_path: Path, postgres_uri: str) -> AsyncIterator[Deployment]:
    (tmp_path / "keys.json").write_text(jwks([ISSUER]))
    with ExitStack() as stack:
        yield Deployment(tmp_path, postgres_uri, stack)


async def ends(client: Client, device: str) -> float:
    """Open a stream and wait for its end by revocation; when that was."""
    async with client.stream(device, start=HEAD) as stream:
        await stream.caught_up()
        with pytest.raises(Unauthenticated, match="was revoked"):
            await anext(stream)
    return time.monotonic()


async def revoke(operator: Client, **what: object) -> None:
    request = admin_pb2.RevokeTokensRequest(**what)  # type: ignore[arg-type]
    await operator.call("AdminService/RevokeTokens", request, admin_pb2.RevokeTokensResponse)


async def test_on_every_gateway(deployment: Deployment) -> None:
    first, second = deployment.gateways
    async with (
        Client(first.uri, "op") as operator,
        Client(first.uri, "t1") as here,
        Client(second.uri, "t1") as there,
        Client(second.uri, "t2") as other,
        other.stream("other", start=HEAD) as stays,
        asyncio.timeout(60),
    ):
        await stays.caught_up()
        ending = [asyncio.create_task(ends(one, f"d{at}")) for at, one in enumerate((here, there))]
        await operator.create_room("r")
        while (
            len(
                (
                    await operator.call(
                        "AdminService/ListConnections",
                        admin_pb2.ListConnectionsRequest(),
                        admin_pb2.ListConnectionsResponse,
                    )
                ).connections
            )
            < 3
        ):
            await asyncio.sleep(0.05)
        began = time.monotonic()
        await revoke(operator, digest=digest_of("t1"))
        assert max(await asyncio.gather(*ending)) - began < WITHIN
        for one in (here, there):
            with pytest.raises(Unauthenticated, match="was revoked"):
                await one.unread()
        await other.create_room("of-alice")
        assert (await anext(stays)).room_id == "of-alice", "her other token is good"
        second.stop()
        second.start()
        with pytest.raises(Unauthenticated, match="was revoked"):
            await there.unread()


async def test_a_profile_s_tokens_of_until_now(deployment: Deployment) -> None:
    first, second = deployment.gateways
    old, other = ISSUER.token("alice", iat=time.time() - 1), ISSUER.token("bob", iat=time.time() - 1)
    async with (
        Client(first.uri, "op") as operator,
        Client(second.uri, old) as alice,
        Client(second.uri, other) as bob,
        asyncio.timeout(60),
    ):
        ending = asyncio.create_task(ends(alice, "d"))
        await bob.unread()
        await operator.create_room("r")
        while not (
            await operator.call(
                "AdminService/ListConnections",
                admin_pb2.ListConnectionsRequest(),
                admin_pb2.ListConnectionsResponse,
            )
        ).connections:
            await asyncio.sleep(0.05)
        await revoke(operator, profile_id="alice")
        await ending
        with pytest.raises(Unauthenticated, match="was revoked"):
            await alice.unread()
        await bob.unread()
        async with Client(second.uri, ISSUER.token("alice", iat=time.time() + 1)) as again:
            await again.unread()  # a new token
