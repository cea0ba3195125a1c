"""A node's copy of the revocations, and what it tells gateways of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatd.default.tokens import revoked
from chatd.default.tokens.revoked import RevokedTokens
from chatd.default.tokens.store import ForgetRevocations, RevokeTokens
from chatd.pb.node.v1.node_pb2 import DescribeResponse
from chatd.store.access import StoreAccess
from chatd.store.command import Command
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


async def write(store: StoreAccess, command: Command[Any]) -> None:
    done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    store.write(command, done.set_result, done.set_exception)
    await done


async def revoke(store: StoreAccess, *profiles: str, expires_at_us: int = 0) -> None:
    for profile_id in profiles:
        await write(store, RevokeTokens(b"", profile_id, expires_at_us))


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
    tokens = RevokedTokens(store)
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
    tokens = RevokedTokens(store)
    assert tokens.part.prepare is not None
    await tokens.part.prepare()
    assert told(tokens, 0) == (["a", "b"], 2)
    assert told(tokens, 2) == (["c"], 3)


async def test_an_older_database_is_read_anew(store: StoreAccess) -> None:
    await revoke(store, "a")
    tokens = RevokedTokens(store)
    tokens._newest = 7
    tokens.look()
    await until(tokens, 1)
    assert told(tokens, 0) == (["a"], 1)


async def test_one_is_forgotten_when_retention_has_deleted_it(store: StoreAccess) -> None:
    await revoke(store, "a", expires_at_us=50)
    await revoke(store, "b")
    tokens = RevokedTokens(store)
    tokens.look()
    await until(tokens, 2)
    await write(store, ForgetRevocations(50))
    tokens.forget()
    await revoke(store, "c")  # behind what was read
    tokens.look()
    await until(tokens, 3)
    assert told(tokens, 0) == (["a", "b", "c"], 3), "not before its time"
    await write(store, ForgetRevocations(51))
    tokens.forget()
    async with asyncio.timeout(10):
        while told(tokens, 0) != (["b", "c"], 3):
            await asyncio.sleep(0.005)
