"""The scenarios by name, and the systems they can be run on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from tests.bench.chatd_scenarios import catch_up, idle, large_room, made, stored
from tests.bench.chatd_subject import Chatd, ChatdOnBroker, ChatdOnPostgres, EncryptedChatd
from tests.bench.http import USERS, posts
from tests.bench.peers.ejabberd import Ejabberd
from tests.bench.peers.mosquitto import Mosquitto
from tests.bench.peers.nats import JetStream
from tests.bench.peers.rabbitmq import RabbitMq
from tests.bench.priority import priority
from tests.bench.resume import reconnected, resumed
from tests.bench.scenarios import Figures, many_rooms, one_room, replay
from tests.bench.slow_device import slow_device
from tests.bench.subject import Options, Subject


@dataclass(frozen=True, slots=True)
class Shared:
    """What every system can be asked to do."""

    about: str
    run: Callable[[Subject, Options], Awaitable[Figures]]
    too_much_for: tuple[str, ...] = ()
    """Systems for which preparing it takes longer than anybody waits."""


@dataclass(frozen=True, slots=True)
class Own:
    """What is asked of chatd alone, once."""

    about: str
    run: Callable[[Chatd, Options], Awaitable[Figures]]
    gateways: int = 1
    encrypted: bool = False
    users: tuple[str, ...] = ()


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
    "slow-device": Own("500 devices, and one beside them that takes nothing", slow_device),
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
    "chatd-redis": partial(ChatdOnBroker, "redis"),
    "chatd-nats": partial(ChatdOnBroker, "nats"),
    "chatd-amqp": partial(ChatdOnBroker, "amqp"),
    "chatd-kafka": partial(ChatdOnBroker, "kafka"),
    "chatd-1x2": partial(Chatd, gateways=2),
    "chatd-postgres-2x2": partial(ChatdOnPostgres, nodes=2, gateways=2),
}
"""``chatd-curve``: with encryption at the device port; ``chatd-redis``: with its queue on Redis;
``chatd-1x2``: one default node and two gateways."""
