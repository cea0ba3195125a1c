"""The scenarios by name, and the systems they can be run on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from tests.bench.chatd_scenarios import catch_up, idle, large_room, made, stored
from tests.bench.chatd_subject import WIRES, Chatd, ChatdOnBroker, ChatdOnPostgres, EncryptedChatd
from tests.bench.http import USERS, posts
from tests.bench.peers.ejabberd import Ejabberd
from tests.bench.peers.mosquitto import Mosquitto
from tests.bench.peers.nats import JetStream
from tests.bench.peers.rabbitmq import RabbitMq
from tests.bench.priority import priority
from tests.bench.resume import reconnected, resumed
from tests.bench.scenarios import Figures, many_rooms, one_room, replay
from tests.bench.sends import sends
from tests.bench.slow_device import slow_device
from tests.bench.subject import Options, Subject
from tests.bench.writes import writes


@dataclass(frozen=True, slots=True)
class Shared:
    """A scenario that every system can be asked for."""

    about: str
    run: Callable[[Subject, Options], Awaitable[Figures]]
    too_much_for: tuple[str, ...] = ()
    """Systems for which preparing it takes longer than anybody waits."""


@dataclass(frozen=True, slots=True)
class Own:
    """A scenario for chatd alone, run once on each of ``systems`` (none: on one of a shape that the
    other fields say)."""

    about: str
    run: Callable[[Chatd, Options], Awaitable[Figures]]
    gateways: int = 1
    encrypted: bool = False
    users: tuple[str, ...] = ()
    wire: str = ""
    systems: tuple[str, ...] = ()


_LARGE = ("ejabberd", "rabbitmq")
SHARED: dict[str, Shared] = {
    "hot-room": Shared(
        "100 devices in one room, 64 sends in flight", partial(one_room, members=100, in_flight=64)
    ),
    "ping": Shared("100 devices in one room, 1 send in flight", partial(one_room, members=100, in_flight=1)),
    "wide-room-1000": Shared(
        "1,000 devices in one room, 16 sends in flight", partial(one_room, members=1_000, in_flight=16)
    ),
    "wide-room-10000": Shared(
        "10,000 devices in one room, 4 sends in flight",
        partial(one_room, members=10_000, in_flight=4),
        _LARGE,
    ),
    "many-rooms": Shared(
        "10,000 profiles in 2,000 rooms, sends at random times for 10,000 deliveries/s",
        partial(many_rooms, deliveries_per_second=10_000),
        _LARGE,
    ),
    "many-rooms-most": Shared(
        "the same rooms, 64 sends in flight", partial(many_rooms, deliveries_per_second=None), _LARGE
    ),
    "replay": Shared("real chat logs as fast as they go, 64 lines in flight", replay),
}
OWN: dict[str, Own] = {
    "catch-up": Own("10,000 devices that are owed 100 events each connect at once", catch_up),
    "idle": Own("8,000 connections that say nothing", idle),
    **{
        f"idle-{wire}": Own(
            f"10,000 devices by {wire} that say nothing", partial(idle, connections=10_000), wire=wire
        )
        for wire in WIRES
    },
    "large-room": Own("a room of 100,000 members, one of them online", large_room),
    "stored": Own("hot-room, with 10³ to 10⁶ events stored in the room", stored),
    "rooms": Own("sends to all of 10² to 10⁵ rooms alike", made),
    "reconnect": Own("2,000 native devices whose gateway is killed go to another", reconnected, gateways=2),
    "reconnect-curve": Own(
        "the same with CURVE: 1,000 devices", partial(reconnected, devices=1_000), gateways=2, encrypted=True
    ),
    "resume": Own("a gateway with 1,000 SDK streams is killed", resumed, gateways=2),
    "priority": Own("urgent events to devices that are owed 100,000 bulk ones", priority),
    "http": Own(
        "users post over HTTP, 32 and 256 connections, beside a bare aiohttp server", posts, users=USERS
    ),
    "writes": Own("what a lone send writes to SQLite, and each of 64 that go together", writes),
    "sends": Own(
        "100 rooms of 100 members, one of them online, 256 sends in flight",
        sends,
        systems=("chatd", "chatd-1x2", "chatd-postgres", "chatd-postgres-2x2"),
    ),
    "slow-device": Own("500 devices, and one beside them that takes nothing", slow_device),
    "slow-websocket": Own("the same by websocket", slow_device, wire="websocket"),
}
PEERS: dict[str, Callable[[], Subject]] = {
    "chatd": Chatd,
    "chatd-postgres": ChatdOnPostgres,
    "nats-jetstream": JetStream,
    "mosquitto": Mosquitto,
    "ejabberd": Ejabberd,
    "rabbitmq": RabbitMq,
}
SYSTEMS: dict[str, Callable[[], Subject]] = {
    **PEERS,
    "chatd-curve": EncryptedChatd,
    **{f"chatd-{wire}": partial(Chatd, wire=wire) for wire in WIRES},
    "chatd-redis": partial(ChatdOnBroker, "redis"),
    "chatd-nats": partial(ChatdOnBroker, "nats"),
    "chatd-amqp": partial(ChatdOnBroker, "amqp"),
    "chatd-kafka": partial(ChatdOnBroker, "kafka"),
    "chatd-1x2": partial(Chatd, gateways=2),
    "chatd-postgres-2x2": partial(ChatdOnPostgres, nodes=2, gateways=2),
}
"""``chatd-curve``: with encryption at the device port; ``chatd-redis``: with its queue on Redis;
``chatd-1x2``: one default node and two gateways."""
