"""Every cache of connections does the same: in the database, in memory, in Redis. Then what only
Redis can do: go away, freeze, and come back empty."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import cast

import pytest

from chatd.core.broker_address import BrokerAddress
from chatd.core.model import StreamKey
from chatd.default.answer import CallStore
from chatd.default.devices.connection_cache import (
    ConnectionCache,
    DatabaseConnectionCache,
    MemoryConnectionCache,
)
from chatd.default.devices.model import Connection
from chatd.default.devices.redis_connection_cache import RedisConnectionCache
from chatd.errors import ChatdError
from chatd.pb.admin.v1 import admin_pb2
from chatd.store.access import StoreAccess
from chatd.transport.redis_link import connect
from tests.brokers import BrokerProcess, broker
from tests.chaos.proxy import FaultProxy
from tests.conftest import new_sqlite
from tests.store.driver import DirectAccess, Store
from tests.transport.queue.test_conformance import until

EXPIRY = 200.0
START_US = 1_700_000_000_000_000
SECRET = "s3cr3t-Pa55"
AWAY = "The cache of connections is away; operators cannot list them, all else goes on"
BACK = "The cache of connections is back"

Page = tuple[list[admin_pb2.Connection], bool]


class Operator:
    """Asks a cache, and turns its time."""

    def __init__(self, store: StoreAccess) -> None:
        self._calls = CallStore(store, "")
        self._passed = 0.0
        self.cache: ConnectionCache
        self.address: BrokerAddress | None = None

    def now(self) -> float:
        return self._passed

    def now_us(self) -> int:
        return START_US + round(self._passed * 1e6)

    async def list(self, profile: str = "", limit: int = 10, after: tuple[str, str] = ("", "")) -> Page:
        """Raises what the cache answers."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.cache.list(profile, limit, after).give(self._calls, answer.set_result, answer.set_exception)
        page = admin_pb2.ListConnectionsResponse.FromString(await asyncio.wait_for(answer, 10))
        return list(page.connections), page.more

    async def devices(self, profile: str = "", limit: int = 10, after: tuple[str, str] = ("", "")) -> str:
        """The devices of a page, ``…`` if there are more."""
        found, more = await self.list(profile, limit, after)
        return " ".join([*(f"{one.profile_id}/{one.device_id}" for one in found), *(["…"] if more else [])])

    async def pass_time(self, seconds: float) -> None:
        self._passed += seconds
        if self.address is not None:
            await self.list()  # what was told has arrived
            await redis(
                self.address,
                "EVAL",
                "for _, place in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do "
                "redis.call('ZINCRBY', KEYS[1], ARGV[1], place) end",
                1,
                f"{self.address.name}:connections:until",
                round(seconds * -1e3),
            )


async def redis(address: BrokerAddress, *command: str | bytes | int) -> object:
    link = await connect(address, "test")
    try:
        (answer,) = await link.answers([command])
    finally:
        await link.close()
    return answer


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    with broker("redis", tmp_path_factory.mktemp("redis")) as process:
        yield process


numbers = count()


def operator_without_store() -> Operator:
    return Operator(cast(StoreAccess, None))


@pytest.fixture
def operator_of() -> Operator:
    return operator_without_store()


@pytest.fixture(params=["sqlite", "postgres", "memory", "redis"])
async def operator(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Operator]:
    if request.param in ("sqlite", "postgres"):
        is_sqlite = request.param == "sqlite"
        store = Store(new_sqlite(tmp_path) if is_sqlite else request.getfixturevalue("postgres_uri"))
        access = DirectAccess(store)
        made = Operator(access)
        made.cache = DatabaseConnectionCache(access.tell, expiry=EXPIRY, clock=made.now_us)
        yield made
        store.close()
        return
    made = operator_without_store()
    if request.param == "memory":
        made.cache = MemoryConnectionCache(expiry=EXPIRY, now=made.now)
    else:
        process: BrokerProcess = request.getfixturevalue("running")
        made.address = BrokerAddress.parse(f"{process.uri}/cache{next(numbers)}", "")
        made.cache = begin(made, made.address)
    yield made
    if made.cache.part.before_the_end is not None:
        await made.cache.part.before_the_end(1.0)


def begin(operator: Operator, address: BrokerAddress) -> RedisConnectionCache:
    own = MemoryConnectionCache(expiry=EXPIRY, now=operator.now)
    cache = RedisConnectionCache(asyncio.get_running_loop(), address, own, expiry=EXPIRY)
    for action in cache.part.begin:
        action()
    return cache


def connection(
    profile: str = "bob", device: str = "x", epoch: int = 1, client: str = "app", at_us: int = START_US
) -> Connection:
    return Connection(profile, device, epoch, f"gw{epoch}", client, at_us, at_us)


def key(epoch: int, profile: str = "bob", device: str = "x") -> StreamKey:
    return StreamKey(profile, device, epoch)


async def test_all_that_was_registered_is_listed(operator: Operator) -> None:
    client = "Ünïcode client\n\x1b[31m 1.0"
    operator.cache.register((connection(epoch=7, client=client),))
    operator.cache.touch((key(7),), START_US + 5)
    assert await operator.list() == (
        [
            admin_pb2.Connection(
                profile_id="bob",
                device_id="x",
                epoch=7,
                gateway_id="gw7",
                client=client,
                since_us=START_US,
                seen_us=START_US + 5,
            )
        ],
        False,
    )
    assert operator.cache.problem == ""


async def test_a_newer_connection_is_not_undone_by_an_older_one(operator: Operator) -> None:
    cache = operator.cache
    for epoch in (9, 10, 9):
        cache.register((connection(epoch=epoch),))
    cache.touch((key(9),), START_US + 9)
    cache.forget((key(9),))
    ((found,), _) = await operator.list()
    assert (found.epoch, found.gateway_id, found.seen_us) == (10, "gw10", START_US)
    cache.register((connection(epoch=10, client="again"),))
    ((found,), _) = await operator.list()
    assert found.client == "again"
    cache.forget((key(10),))
    cache.touch((key(10),), START_US + 9)
    assert await operator.list() == ([], False)


async def test_connections_are_listed_in_order_a_page_at_a_time(operator: Operator) -> None:
    order = [("Z", "b"), ("a", "x"), ("b", "1"), ("b", "x"), ("b-", "x"), ("ba", "x"), ("é", "x"), ("𝄞", "")]
    places = [(profile, device or "x") for profile, device in order]
    operator.cache.register(tuple(connection(*place) for place in reversed(places)))
    found, after, pages = [], ("", ""), 0
    while True:
        page, more = await operator.list(limit=3, after=after)
        found += [(one.profile_id, one.device_id) for one in page]
        after, pages = found[-1], pages + 1
        if not more:
            break
    assert (found, pages) == (places, 3)
    assert await operator.devices(limit=8) == await operator.devices(limit=9)


async def test_a_profile_is_listed_alone(operator: Operator) -> None:
    operator.cache.register(tuple(connection(p, d) for p in ("a", "b", "b-", "c") for d in ("1", "2")))
    assert await operator.devices("b") == "b/1 b/2"
    assert await operator.devices("b", limit=1) == "b/1 …"
    assert await operator.devices("b", after=("b", "1")) == "b/2"
    assert await operator.devices("b", after=("a", "2")) == "b/1 b/2"
    assert await operator.devices("b", after=("b", "2")) == ""
    assert await operator.devices("b", after=("c", "")) == ""
    assert await operator.devices("nobody") == ""


async def test_a_connection_that_is_no_longer_heard_goes(operator: Operator) -> None:
    """Its gateway has died, and tells nobody."""
    operator.cache.register((connection("bob"), connection("dead"), connection("late")))
    await operator.pass_time(EXPIRY / 2)
    operator.cache.touch((key(1, "bob"),), operator.now_us())
    await operator.pass_time(EXPIRY / 2 - 1)
    operator.cache.touch((key(1, "late"),), operator.now_us())
    assert await operator.devices() == "bob/x dead/x late/x"
    await operator.pass_time(2)
    assert await operator.devices() == "bob/x late/x"
    assert await operator.devices(after=("bob", "x"), limit=1) == "late/x"
    operator.cache.register((connection("dead", epoch=2, at_us=operator.now_us()),))
    assert await operator.devices() == "bob/x dead/x late/x"


async def test_many_at_once(operator: Operator) -> None:
    devices = [f"d{number:04}" for number in range(1_000)]
    operator.cache.register(tuple(connection(device=device) for device in devices))
    operator.cache.touch(tuple(key(1, device=device) for device in devices), START_US + 1)
    found, more = await operator.list(limit=999)
    assert ([one.device_id for one in found], more) == (devices[:999], True)
    assert {one.seen_us for one in found} == {START_US + 1}
    operator.cache.forget(tuple(key(1, device=device) for device in devices[:999]))
    assert await operator.devices() == "bob/d0999"


async def test_two_nodes_share_a_redis(operator_of: Operator, running: BrokerProcess) -> None:
    """One of them is started again, and hears of a device that it has not registered."""
    address = BrokerAddress.parse(f"{running.uri}/shared", "")
    operator_of.address = address
    one = operator_of.cache = begin(operator_of, address)
    one.register((connection(),))
    await operator_of.pass_time(EXPIRY - 1)
    other = operator_of.cache = begin(operator_of, address)
    other.touch((key(1), key(1, "unknown")), operator_of.now_us())
    await operator_of.pass_time(2)
    ((found,), _) = await operator_of.list()
    assert (found.profile_id, found.client) == ("bob", "app")
    for name in ("connections", "connections:places", "connections:until"):
        assert 0 < int(str(await redis(address, "PTTL", f"shared:{name}"))) <= EXPIRY * 1e3
    for cache in (one, other):
        await cache.part.before_the_end(1.0)  # type: ignore[misc]


async def test_a_redis_that_comes_back_empty(
    operator_of: Operator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with broker("redis", tmp_path, password=SECRET) as running:
        uri = f"redis://chatd:{SECRET}@127.0.0.1:{running.port}"
        cache = operator_of.cache = begin(operator_of, BrokerAddress.parse(uri, "chatd"))
        (away,) = cache.part.gauges
        cache.register((connection("a"), connection("b")))
        assert await operator_of.devices() == "a/x b/x"
        assert (cache.problem, away.read()) == ("", 0.0)
        running.stop()
        cache.register((connection("c"),))
        await until(lambda: cache.problem)
        for _ in range(3):
            with pytest.raises(ChatdError) as refused:
                await operator_of.list()
            assert refused.value.retry
        assert isinstance(seconds := away.read(), float)
        assert seconds > 0
        cache.forget((key(1, "b"),))
        running.start()
        await until(lambda: not cache.problem)
        assert await operator_of.devices() == ""
        cache.touch(tuple(key(1, profile) for profile in "abc"), START_US + 5)
        found, _ = await operator_of.list()
        assert [(one.profile_id, one.gateway_id, one.seen_us) for one in found] == [
            ("a", "gw1", START_US + 5),
            ("c", "gw1", START_US + 5),
        ]
        said = capsys.readouterr().out
        assert (said.count(AWAY), said.count(BACK)) == (1, 1)
        assert SECRET not in said + cache.problem
        await cache.part.before_the_end(1.0)  # type: ignore[misc]


async def test_a_link_that_is_frozen_is_noticed(
    operator_of: Operator, running: BrokerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while nobody asks for anything."""
    monkeypatch.setattr("chatd.transport.redis_commands.ANSWER_SECONDS", 0.3)
    monkeypatch.setattr("chatd.transport.redis_commands.IDLE_SECONDS", 0.05)
    monkeypatch.setattr("chatd.transport.queue.broker_connection.CONNECT_SECONDS", 0.3)
    with FaultProxy(target=("127.0.0.1", running.port)) as proxy:
        address = BrokerAddress.parse(f"redis://127.0.0.1:{proxy.port}/frozen", "")
        cache = operator_of.cache = begin(operator_of, address)
        cache.register((connection(),))
        assert await operator_of.devices() == "bob/x"
        proxy.blackhole()
        asked = asyncio.create_task(operator_of.list())
        await until(lambda: cache.problem)
        with pytest.raises(ChatdError) as refused:
            await asked
        assert refused.value.retry
        proxy.heal()
        await until(lambda: not cache.problem)
        assert await operator_of.devices() == "bob/x"
        proxy.blackhole()
        await until(lambda: cache.problem)
        assert "does not answer" in cache.problem
        await cache.part.before_the_end(1.0)  # type: ignore[misc]


async def test_a_redis_that_refuses_is_said(operator_of: Operator, tmp_path: Path) -> None:
    """Its user may not touch the keys; then, of another name, it may."""
    user = ["--user", *["chatd", "on", "nopass", "~chatd:connections*", "+@all", "--user", "default", "off"]]
    with broker("redis", tmp_path, *user) as running:
        for name, is_allowed in (("other", False), ("chatd", True)):
            address = BrokerAddress.parse(f"redis://chatd:x@127.0.0.1:{running.port}/{name}", "")
            cache = operator_of.cache = begin(operator_of, address)
            cache.register((connection(),))
            if is_allowed:
                assert await operator_of.devices() == "bob/x"
            else:
                await until(lambda: "ermission" in cache.problem)  # noqa: B023
            await cache.part.before_the_end(1.0)  # type: ignore[misc]


async def test_a_redis_that_takes_no_connections_is_said(
    operator_of: Operator, running: BrokerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is full, or a key is something else. It answers what only reads, all the while."""
    monkeypatch.setattr("chatd.transport.redis_commands.IDLE_SECONDS", 0.05)
    address = BrokerAddress.parse(f"{running.uri}/refusing", "")
    cache = operator_of.cache = begin(operator_of, address)
    cache.register((connection(),))
    assert await operator_of.devices() == "bob/x"
    records = "refusing:connections"
    for spoil, mend, says in (
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"), "OutOfMemory"),
        (("SET", records, "x"), ("DEL", records), "WRONGTYPE"),
    ):
        await redis(address, *spoil)
        await until(lambda: says in cache.problem)  # noqa: B023
        await redis(address, *mend)
        await until(lambda: not cache.problem)
    await cache.part.before_the_end(1.0)  # type: ignore[misc]
