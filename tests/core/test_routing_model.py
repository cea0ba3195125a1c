"""Gateways, nodes, and the wires between them, which lose, delay and break as they like: at rest
each node's table is what the gateways want, and no stream has missed an event for which nobody told
it to pull.

Events count as missed until they are delivered or pulled; gaps and repair pulls, which would find
them as well, are left out. Messages are numbered and nodes send beats: a hole is seen where
something was lost, and nowhere else.
"""

from collections import deque
from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chatd.core.channel_numbers import HeardNumbers, SentNumbers
from chatd.core.routing import Routing, Step, WatchedTopics
from chatd.core.subscribed import Subscribed

TOPICS = [b"a:1\0", b"b:1\0"]
OWN = b"own"

Gateway = st.runner().flatmap(lambda machine: st.sampled_from(range(len(machine.gateways))))
Node = st.runner().flatmap(lambda machine: st.sampled_from(range(len(machine.nodes))))
Topic = st.sampled_from(TOPICS)


@dataclass
class SubConnection:
    """A SUB's connection to one XPUB. ``on_the_way`` are subscriptions: a topic and whether it
    begins, or a fence's number."""

    instance: str
    on_the_way: deque[tuple[bytes, bool] | int] = field(default_factory=deque)
    messages: deque["Sent"] = field(default_factory=deque)
    active: set[bytes] = field(default_factory=set)
    dead: bool = False


@dataclass
class Sent:
    """A message under a topic, or under the gateway's own for one: an event, or none in a message
    to the gateway itself, which is a resync or a beat that says up to where steps are applied."""

    topic: bytes
    stamp: bytes
    is_own: bool
    event: int = 0
    applied: int | None = None
    """None: a resync."""


@dataclass
class Question:
    """``step`` None: a description, asked for with ``mark``."""

    step: Step | None
    mark: int = 0


@dataclass
class Calls:
    """One DEALER to one ROUTER: questions go and are answered in their order, Watches when the node
    likes."""

    asked: deque[Question] = field(default_factory=deque)
    replies: deque[tuple[Question, bool, int, int]] = field(
        default_factory=deque
    )  # whether it went well, started_at, watched
    open: list[Question] = field(default_factory=list)


class GatewayModel:
    def __init__(self, instance: str, nodes: int) -> None:
        self.instance = instance
        self.state: WatchedTopics[int] = WatchedTopics()
        self.subscribed = {OWN}
        self.streams: dict[bytes, set[int]] = {}  # events missed
        self.calls = {node: Calls() for node in range(nodes)}
        self.connections: dict[int, SubConnection | None] = dict.fromkeys(range(nodes))
        self.started_at = dict.fromkeys(range(nodes), 0)
        self.numbers = HeardNumbers()
        self.lost: set[bytes] = set()
        """Stamps of messages that were lost."""
        self.unwaited: set[int] = set()
        """Publishers of which messages may be missing that nobody lost."""

    def ends(self) -> list[SubConnection]:
        return [one for one in self.connections.values() if one is not None]


class NodeModel:
    def __init__(self, started_at: int) -> None:
        self.started_at = started_at
        self.routing = Routing()
        self.subscribed = Subscribed()
        self.connections: list[SubConnection] = []
        self.channels: dict[str, SentNumbers] = {}


class RoutingMachine(RuleBasedStateMachine):
    @initialize(size=st.sampled_from([(1, 1), (1, 1), (1, 1), (1, 2), (2, 1), (2, 2)]))
    def start(self, size: tuple[int, int]) -> None:
        gateways, nodes = size
        self.count = 0
        self.gateways = [GatewayModel(f"g{number}-0", nodes) for number in range(gateways)]
        self.nodes = [NodeModel(self.next()) for _ in range(nodes)]
        self.settle()

    def next(self) -> int:
        self.count += 1
        return self.count

    # Streams and events.

    @rule(g=Gateway, topic=Topic, quick=st.booleans())
    def open_stream(self, g: int, topic: bytes, quick: bool) -> None:
        gateway = self.gateways[g]
        if topic not in gateway.streams:
            gateway.state.want(topic)
        gateway.streams[topic] = set()  # it pulls when it begins
        if quick:
            self.calls_are_quick(g)

    @rule(g=Gateway, topic=Topic, quick=st.booleans())
    def close_stream(self, g: int, topic: bytes, quick: bool) -> None:
        gateway = self.gateways[g]
        if gateway.streams.pop(topic, None) is not None:
            gateway.state.unwant(topic)
        if quick:
            self.flush(g)

    @rule(g=Gateway, n=Node, topic=Topic, early=st.booleans(), told=st.booleans())
    def close_stream_of_which_something_is_published(
        self, g: int, n: int, topic: bytes, early: bool, told: bool
    ) -> None:
        """Before the gateway has its turn, or before the node is told; or so that it is still on
        its way when the node has been told."""
        self.open_stream(g, topic, False)
        self.all_is_quick(g)
        if early:
            self.publish(n, topic, False, False, False)
        self.close_stream(g, topic, True)
        if told:
            self.calls_are_quick(g)
        self.publish(n, topic, False, False, False)
        self.queues_are_quick(g)
        self.beat(n)
        self.queues_are_quick(g)

    @rule(n=Node, topic=Topic, joined=st.booleans(), dropped=st.booleans(), last=st.booleans())
    def publish(self, n: int, topic: bytes, joined: bool, dropped: bool, last: bool) -> None:
        """An event is stored and published by a node: to the topic, or to the own topic of each
        gateway, and ``joined`` always to those; or it is ``dropped`` at the high-water mark.
        After the last one nothing fails."""
        event = self.next()
        for gateway in self.gateways:
            if topic in gateway.streams:
                gateway.streams[topic].add(event)
        node = self.nodes[n]
        instances = node.routing.gateways_of(topic)
        for instance in instances:
            if instance not in node.channels:
                continue  # its subscriptions have gone
            is_own = joined or len(instances) > 1 or not node.subscribed.is_complete(instance)
            sent = Sent(topic, node.channels[instance].stamp(), is_own, event)
            self.send(n, instance, sent, dropped=dropped)
        if last:
            self.everything_comes_to_rest()

    def send(self, n: int, instance: str, sent: Sent, *, dropped: bool = False) -> None:
        for connection in self.nodes[n].connections if not dropped else ():
            is_own = OWN in connection.active and connection.instance == instance
            if is_own if sent.is_own else sent.topic in connection.active:
                connection.messages.append(sent)
        for gateway in self.gateways:
            live = gateway.connections[n]
            if gateway.instance == instance and (dropped or live is None or OWN not in live.active):
                gateway.lost.add(sent.stamp)

    def to_itself(self, n: int, instance: str, applied: int | None) -> None:
        """Publish a message to a gateway itself."""
        self.send(n, instance, Sent(OWN, self.nodes[n].channels[instance].stamp(), True, applied=applied))

    # The gateways' turns.

    def flush(self, g: int) -> None:
        gateway = self.gateways[g]
        if not gateway.state.is_due:
            return
        change, calls, new = gateway.state.step(range(len(self.nodes)))
        assert gateway.subscribed.isdisjoint(new)
        gateway.subscribed.update(new)
        for connection in gateway.ends():
            connection.on_the_way.extend((topic, True) for topic in new)
            connection.on_the_way.append(change.number)
        for node, step in calls:
            self.ask(gateway, node, Question(step))

    def ask(self, gateway: GatewayModel, n: int, question: Question) -> None:
        gateway.calls[n].asked.append(question)
        gateway.calls[n].open.append(question)

    def describe(self, g: int, n: int) -> None:
        gateway = self.gateways[g]
        self.ask(gateway, n, Question(None, gateway.state.mark(n)))

    def release(self, gateway: GatewayModel) -> None:
        for topic in gateway.state.released():
            gateway.subscribed.remove(topic)
            for connection in gateway.ends():
                connection.on_the_way.append((topic, False))

    @rule(n=Node)
    def beat(self, n: int) -> None:
        node = self.nodes[n]
        for instance in node.channels:
            self.to_itself(n, instance, node.routing.number_of(instance))

    def pull(self, gateway: GatewayModel, topics: tuple[bytes, ...] | None) -> None:
        for topic in tuple(gateway.streams) if topics is None else topics:
            if topic in gateway.streams:
                gateway.streams[topic].clear()

    # The wires.

    @rule(g=Gateway, n=Node, which=st.integers(0, 3))
    def one_arrives(self, g: int, n: int, which: int) -> None:
        (self.call_arrives, self.reply_arrives, self.subscription_arrives, self.message_arrives)[which](g, n)

    @rule(g=Gateway, n=Node, which=st.integers(0, 8))
    def something_fails(self, g: int, n: int, which: int) -> None:
        (
            self.queue_breaks,
            self.node_notices_a_dead_connection,
            self.message_is_lost,
            self.beats_are_missing,
            self.calls_break,
            self.call_times_out,
            self.gateway_falls_silent,
            self.node_restarts,
            self.gateway_restarts,
        )[which](g, n)

    @rule(g=Gateway)
    def calls_are_quick(self, g: int) -> None:
        """The gateway has its turn and everything that can be answered is, while subscriptions and
        messages wait."""
        self.flush(g)
        for n in range(len(self.nodes)):
            for _ in range(10):
                self.call_arrives(g, n)
                self.reply_arrives(g, n)

    @rule(g=Gateway)
    def queues_are_quick(self, g: int) -> None:
        for n in range(len(self.nodes)):
            for _ in range(10):
                self.subscription_arrives(g, n)
                self.message_arrives(g, n)

    @rule(g=Gateway)
    def all_is_quick(self, g: int) -> None:
        for n in range(len(self.nodes)):
            self.describe(g, n)
        for _ in range(2):
            self.calls_are_quick(g)
            self.queues_are_quick(g)
            self.calls_are_quick(g)

    def call_arrives(self, g: int, n: int) -> None:
        gateway, node = self.gateways[g], self.nodes[n]
        calls = gateway.calls[n]
        if not calls.asked:
            return
        question = calls.asked.popleft()
        step = question.step
        if step is None:
            calls.replies.append((question, True, node.started_at, node.routing.number_of(gateway.instance)))
            return
        if gateway.instance not in node.subscribed or (
            node.routing.apply(
                gateway.instance, step.number, full=step.full, add=step.add, remove=step.remove
            )
            is None
        ):
            calls.replies.append((question, False, 0, 0))
            return
        node.subscribed.when(
            gateway.instance, step.number, lambda there: calls.replies.append((question, there, 0, 0))
        )

    def reply_arrives(self, g: int, n: int) -> None:
        gateway = self.gateways[g]
        calls = gateway.calls[n]
        if not calls.replies:
            return
        question, well, started_at, watched = calls.replies.popleft()
        if question not in calls.open:
            return
        calls.open.remove(question)
        if question.step is None:
            restarted = started_at != gateway.started_at[n]
            gateway.started_at[n] = started_at
            gateway.state.described(n, question.mark, watched, restarted=restarted)
        elif not well:
            gateway.state.failed(n, question.step)
        else:
            self.pull(gateway, None if question.step.full else question.step.add)

    def call_times_out(self, g: int, n: int) -> None:
        calls = self.gateways[g].calls[n]
        if calls.open:
            self.fail(g, n, calls.open.pop(0))

    def fail(self, g: int, n: int, question: Question) -> None:
        if question.step is not None:
            self.gateways[g].state.failed(n, question.step)

    def calls_break(self, g: int, n: int) -> None:
        calls = self.gateways[g].calls[n]
        self.gateways[g].calls[n] = Calls()
        for question in calls.open:
            self.fail(g, n, question)

    def subscription_arrives(self, g: int, n: int) -> None:
        connection = self.gateways[g].connections[n]
        if connection is not None and connection.on_the_way:
            self.arrive(n, connection)

    def arrive(self, n: int, connection: SubConnection) -> None:
        node, what = self.nodes[n], connection.on_the_way.popleft()
        if isinstance(what, int):
            node.subscribed.fence(connection.instance, what)
            return
        topic, there = what
        if not there:
            connection.active.discard(topic)
            return
        connection.active.add(topic)
        if topic == OWN:
            node.channels.setdefault(connection.instance, SentNumbers(node.started_at))
            node.subscribed.come(connection.instance)
            node.routing.doubt(connection.instance)
            self.to_itself(n, connection.instance, None)

    def message_arrives(self, g: int, n: int) -> None:
        gateway = self.gateways[g]
        connection = gateway.connections[n]
        if connection is None or not connection.messages:
            return
        sent = connection.messages.popleft()
        if not sent.is_own and sent.topic not in gateway.subscribed:
            return  # the SUB takes no notice
        started_at = int.from_bytes(sent.stamp[:8], "big")
        if sent.topic == OWN:
            for node, known in gateway.started_at.items():
                if known == started_at and sent.applied is not None:
                    gateway.state.applied(node, sent.applied)
                elif known == started_at:
                    gateway.state.lost(node)
            self.release(gateway)
        elif sent.topic in gateway.streams:
            gateway.streams[sent.topic].discard(sent.event)
        if (gateway.numbers.own if sent.is_own else gateway.numbers.other)(sent.stamp):
            assert started_at in gateway.unwaited or any(
                one[:-8] == sent.stamp[:-8] and one < sent.stamp for one in gateway.lost
            ), "a hole, and nothing was lost"
            for node, known in gateway.started_at.items():
                if known == started_at:
                    gateway.state.lost(node)
        gateway.lost = {one for one in gateway.lost if one[:-8] != sent.stamp[:-8] or one > sent.stamp}

    def message_is_lost(self, g: int, n: int) -> None:
        connection = self.gateways[g].connections[n]
        if connection is not None and connection.messages:
            self.gateways[g].lost.add(connection.messages.popleft().stamp)

    def beats_are_missing(self, g: int, n: int) -> None:
        """For so long that the gateway does not wait for the node. Messages that it publishes to a
        topic that has gone are missing."""
        self.gateways[g].state.silent(n)
        self.gateways[g].unwaited.add(self.nodes[n].started_at)
        self.release(self.gateways[g])

    def queue_breaks(self, g: int, n: int) -> None:
        """At once at the gateway; the node will notice."""
        connection = self.gateways[g].connections[n]
        if connection is not None:
            connection.dead = True
            self.gateways[g].connections[n] = None
            self.gateways[g].lost.update(sent.stamp for sent in connection.messages)

    @rule(g=Gateway, n=Node, order=st.permutations([OWN, *TOPICS]), noticed=st.booleans())
    def queue_reconnects(self, g: int, n: int, order: list[bytes], noticed: bool) -> None:
        """The messages on their way are lost; the node may notice the end of the old connection
        later."""
        self.queue_breaks(g, n)
        if noticed:
            self.node_notices_a_dead_connection(g, n)
        self.queue_connects(g, n, order)

    @rule(g=Gateway, n=Node, order=st.permutations([OWN, *TOPICS]))
    def queue_connects(self, g: int, n: int, order: list[bytes]) -> None:
        gateway = self.gateways[g]
        if gateway.connections[n] is None:
            burst = [topic for topic in order if topic in gateway.subscribed]
            connection = SubConnection(gateway.instance, deque((topic, True) for topic in burst))
            gateway.connections[n] = connection
            self.nodes[n].connections.append(connection)

    def node_notices_a_dead_connection(self, g: int, n: int) -> None:
        node = self.nodes[n]
        for connection in [one for one in node.connections if one.dead][:1]:
            node.connections.remove(connection)
            if OWN in connection.active and node.subscribed.go(connection.instance):
                del node.channels[connection.instance]
                node.routing.forget(connection.instance)

    def gateway_falls_silent(self, g: int, n: int) -> None:
        self.nodes[n].routing.forget(self.gateways[g].instance)

    # Processes.

    def node_restarts(self, g: int, n: int) -> None:
        for connection in self.nodes[n].connections:
            connection.dead = True
        for one in range(len(self.gateways)):
            self.queue_breaks(one, n)
            self.calls_break(one, n)
        self.nodes[n] = NodeModel(self.next())

    def gateway_restarts(self, g: int, n: int) -> None:
        for connection in self.gateways[g].ends():
            connection.dead = True
        self.gateways[g] = GatewayModel(f"g{g}-{self.next()}", len(self.nodes))

    # The invariants.

    def exchange(self) -> None:
        """Until nothing is on its way any more."""
        moving = True
        while moving:
            moving = False
            for g in range(len(self.gateways)):
                for n in range(len(self.nodes)):
                    gateway = self.gateways[g]
                    calls, connection = gateway.calls[n], gateway.connections[n]
                    if (
                        calls.asked
                        or calls.replies
                        or (connection is not None and (connection.on_the_way or connection.messages))
                    ):
                        moving = True
                        for step in (
                            self.call_arrives,
                            self.reply_arrives,
                            self.subscription_arrives,
                            self.message_arrives,
                        ):
                            step(g, n)

    def settle(self) -> None:
        """Nothing fails any more: everything that can happen does, until nothing is left but asking
        who is who."""
        living = {gateway.instance for gateway in self.gateways}
        for n in range(len(self.nodes)):
            for _ in range(len(self.nodes[n].connections)):
                self.node_notices_a_dead_connection(0, n)
            for instance in set(self.nodes[n].routing.instances) - living:
                self.nodes[n].routing.forget(instance)
        for _ in range(5):
            for n in range(len(self.nodes)):
                self.beat(n)
            for g in range(len(self.gateways)):
                for n in range(len(self.nodes)):
                    self.queue_connects(g, n, [OWN, *TOPICS])
                    self.describe(g, n)
            self.exchange()
            for g in range(len(self.gateways)):
                for n in range(len(self.nodes)):
                    while self.gateways[g].calls[n].open:
                        self.call_times_out(g, n)  # a Watch whose fence went with a connection
                self.flush(g)
            self.exchange()

    def everything_comes_to_rest(self) -> None:
        self.settle()
        self.check()

    def teardown(self) -> None:
        if hasattr(self, "nodes"):
            self.everything_comes_to_rest()

    def check(self) -> None:
        for gateway in self.gateways:
            for node in self.nodes:
                assert node.routing.topics_of(gateway.instance) == set(gateway.streams)
                assert gateway.instance in node.subscribed
                assert node.subscribed.is_complete(gateway.instance)
            assert gateway.subscribed == {OWN, *gateway.streams}, "a subscription never ends"
            assert not any(gateway.streams.values()), "events were missed, and nobody said so"
        for node in self.nodes:
            assert set(node.routing.instances) <= {gateway.instance for gateway in self.gateways}
            for topic in TOPICS:
                assert set(node.routing.gateways_of(topic)) == {
                    one.instance for one in self.gateways if topic in one.streams
                }

    @invariant()
    def both_sides_of_the_table_agree(self) -> None:
        for node in getattr(self, "nodes", ()):
            for instance in node.routing.instances:
                for topic in node.routing.topics_of(instance):
                    assert instance in node.routing.gateways_of(topic)


TestRouting = RoutingMachine.TestCase
TestRouting.settings = settings(
    max_examples=400, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
