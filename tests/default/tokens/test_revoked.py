"""A node's copy of the revocations, and what it tells gateways of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.default.tokens import revoked
from chatd.default.tokens.revoked import RevokedTokens
from chatd.default.tokens.store import RevokeTokens
from chatd.pb.node.v1.node_pb2 import DescribeResponse
from chatd.store.access import StoreAccess
from chatd.store.database import Database


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[StoreAccess]:
    database = Database(f"sqlite:///{tmp_path}/chatd.db")
    database.migrate()
    made = StoreAccess(
        asyncio.get_running_loop(), database, clock=lambda: 100, readers=1, broken=lambda error: None
    )
    made.start(lambda runs: None, lambda state: None)
    yield made
    made.stop()


async def revoke(store: StoreAccess, *profiles: str) -> None:
    for profile_id in profiles:
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        store.write(RevokeTokens(b"", profile_id, 0), done.set_result, done.set_exception)
        await done


def told(tokens: RevokedTokens, after: int) -> tuple[list[str], int]:
    response = DescribeResponse()
    tokens.tell(response, after)
    return [one.profile_id for one in response.revocations], response.revocations_version


async def until(tokens: RevokedTokens, version: int) -> None:
    async with asyncio.timeout(10):
        while told(tokens, 0)[1] != version:
            await asyncio.sleep(0.005)


async def test_a_gateway_is_told_once(store: StoreAccess) -> None:
    await revoke(store, "a", "b")
    tokens = RevokedTokens(store, clock=lambda: 100)
    assert tokens.part.prepare is not None
    await tokens.part.prepare()
    assert told(tokens, 0) == (["a", "b"], 2)
    assert told(tokens, 1) == (["b"], 2)
    assert told(tokens, 2) == ([], 2)
    await revoke(store, "a")
    tokens.look()
    await until(tokens, 3)
    assert told(tokens, 2) == (["a"], 3)
    assert told(tokens, 0) == (["b", "a"], 3)
    assert told(tokens, 9) == (["b", "a"], 3), "it has heard of another database"


async def test_many_are_told_in_parts(store: StoreAccess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revoked, "MAX_TOLD", 2)
    await revoke(store, "a", "b", "c")
    tokens = RevokedTokens(store, clock=lambda: 100)
    assert tokens.part.prepare is not None
    await tokens.part.prepare()
    assert told(tokens, 0) == (["a", "b"], 2)
    assert told(tokens, 2) == (["c"], 3)


async def test_an_older_database_is_read_anew(store: StoreAccess) -> None:
    await revoke(store, "a")
    tokens = RevokedTokens(store, clock=lambda: 100)
    tokens._newest = 7
    tokens.look()
    await until(tokens, 1)
    assert told(tokens, 0) == (["a"], 1)
