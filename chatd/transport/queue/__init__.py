"""The queue ``user.event.delivery``: what carries messages from default nodes to gateways. Two
Protocols; ``drivers.py`` chooses what stands behind them by the address's scheme.

Over ZeroMQ (``zeromq.py``) gateways are connected to every node. Over a broker (``broker.py``, and
a module for each kind) both ends are connected to that alone.

A gateway is known by its instance id. It subscribes to topics, and a message is for one topic, or
for several topics of one gateway at once. Messages may be lost (a gateway that does not keep up, a
connection that breaks); none is repeated or reordered on one connection. They are numbered for each
gateway (``core/channel_numbers.py``), so that a lost one is noticed by the next; nodes send a beat
each second. No driver knows who is online: gateways tell the nodes by calls
(``NodeService/Watch``).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from chatd.core.counter import Counter
from chatd.transport.sockets import Context


class QueueMessage(NamedTuple):
    """``topics`` is empty in a message for the gateway itself."""

    topics: Sequence[bytes]
    body: bytes


SendFrame = Callable[[bytes], None]
"""Takes a message away; never waits."""
OnMessages = Callable[[list[QueueMessage]], None]
OnMissed = Callable[[int], None]
"""Gets the start of a process of whose messages some did not come; after those that did."""
OnGateway = Callable[[str, bool], None]
"""Gets a gateway's instance id, and whether its subscriptions have just come (again) or gone."""


class Publisher(Protocol):
    """A node's end. Made early, opened late: before ``open`` nobody is subscribed, so a message
    goes nowhere. The first message to a gateway whose subscriptions have come must be one to itself
    (``publish_to``): by that it knows whose numbers are meant for it. But for ``drain`` nothing
    here ever waits."""

    @property
    def counters(self) -> Sequence[Counter]: ...

    def open(self, context: Context, uri: str, on_gateway: OnGateway) -> str:
        """The address bound at ``uri``; empty for a broker, whose address the driver has. When a
        gateway's subscriptions come again, messages may have been lost. Raises ConfigError."""

    def meet(self, gateway: str) -> None:
        """The gateway has called: it lives."""

    def forget(self, gateway: str) -> None:
        """The gateway calls no more."""

    def publish(self, topic: bytes, gateways: Sequence[str], body: bytes) -> None:
        """Send a message to a topic, which these gateways want."""

    def publish_to(self, gateway: str, joined: bytes, body: bytes) -> None:
        """Send one message for several topics of one gateway, joined by ``join_topics``
        (``joined.py``); of none: to the gateway itself."""

    @property
    def gateways(self) -> Iterable[str]:
        """The gateways whose subscriptions are there."""

    def is_subscribed(self, gateway: str) -> bool:
        """True while the gateway's subscriptions are there."""

    def when_subscribed(self, gateway: str, number: int, then: Callable[[bool], None]) -> None:
        """Call ``then(True)`` once everything that the gateway subscribed to before
        ``Subscriber.mark(number)`` reaches it, perhaps at once; ``then(False)`` if its
        subscriptions go before."""

    @property
    def problem(self) -> str:
        """The reason why nothing that is published gets anywhere; empty if there is none."""

    async def drain(self, seconds: float) -> None:
        """Wait until what was published has left, for so long at most."""

    def close(self) -> None:
        """Messages under way get a second to leave."""


class Subscriber(Protocol):
    """A gateway's end, for all nodes. Made early, opened late. ``is_shared``: all gateways hear
    through one broker, so that a queue which is down is no reason to prefer another gateway."""

    @property
    def is_shared(self) -> bool: ...

    def open(
        self, context: Context, uris: Iterable[str], on_messages: OnMessages, on_missed: OnMissed
    ) -> None:
        """Listen to these nodes. Raises ConfigError."""

    def connect(self, uri: str) -> None:
        """Listen to one node more."""

    def disconnect(self, uri: str) -> None:
        """Listen to it no longer."""

    def subscribe(self, topic: bytes) -> None:
        """Hear messages to this topic, once the subscription has arrived."""

    def unsubscribe(self, topic: bytes) -> None:
        """Hear them no longer. A node that still publishes to the topic seems to lose messages."""

    def mark(self, number: int) -> None:
        """Let the nodes see that everything subscribed so far has arrived; numbers rise."""

    def forget(self, started_at_us: int) -> None:
        """The process that started then publishes no more."""

    @property
    def problem(self) -> str:
        """The reason why nothing is heard, if this end knows one."""

    def close(self) -> None: ...
