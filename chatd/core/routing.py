"""Which gateway wants which topics, on both sides of the wire.

A gateway numbers the changes of its set of topics: each is a step, sent to every default node. A
node that is in step gets what changed, every other the full set. The number says which steps a node
has applied; a lost, repeated or late call is noticed by it. No I/O, no clock.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

N = TypeVar("N", bound=Hashable)

NOT_IN_STEP = -1


@dataclass(frozen=True, slots=True)
class Step:
    """One call to one node. ``full``: ``add`` is the whole set."""

    number: int
    full: bool
    add: tuple[bytes, ...]
    remove: tuple[bytes, ...]


@dataclass(slots=True)
class _Node:
    """``sent`` is the last step sent, ``full`` the last one sent in full; ``due``: the next step is
    to be sent in full. Everything that it publishes after ``applied`` has come knows the steps up
    to there; ``is_silent``: nothing it publishes comes."""

    in_step: bool = False
    due: bool = False
    sent: int = 0
    full: int = 0
    applied: int = 0
    is_silent: bool = False


class WatchedTopics(Generic[N]):
    """A gateway's half: the topics it wants, and how far each node has been told. Topics are
    counted: one wanted twice must be unwanted twice."""

    def __init__(self) -> None:
        self._counts: dict[bytes, int] = {}
        self._changed: dict[bytes, bool] = {}  # since the last step: True is wanted now and was not
        self._nodes: dict[N, _Node] = {}
        self._leaving: dict[bytes, int] = {}  # topics by the step that ended them, the oldest first
        self.number = 0
        """The last step."""

    def want(self, topic: bytes) -> None:
        """One more wants this topic."""
        count = self._counts.get(topic, 0)
        self._counts[topic] = count + 1
        if not count:
            self._note(topic, True)

    def unwant(self, topic: bytes) -> None:
        """One fewer wants it."""
        count = self._counts.get(topic, 0)
        if count > 1:
            self._counts[topic] = count - 1
        elif count:
            del self._counts[topic]
            self._note(topic, False)

    def _note(self, topic: bytes, wanted: bool) -> None:
        if self._changed.pop(topic, wanted) == wanted:
            self._changed[topic] = wanted

    @property
    def is_due(self) -> bool:
        """True if a step has something to say to anybody."""
        return bool(self._changed) or any(node.due for node in self._nodes.values())

    def step(self, nodes: Iterable[N]) -> tuple[Step, list[tuple[N, Step]], list[bytes]]:
        """The next step: what changed, the calls to those of ``nodes`` that are in step or due, and
        the topics to subscribe to. Other nodes than these are forgotten. A topic that it removes
        stays subscribed until it is ``released``."""
        present = frozenset(nodes)
        self._nodes = {node: state for node, state in self._nodes.items() if node in present}
        changed, self._changed = self._changed, {}
        self.number += 1
        change = Step(
            self.number,
            False,
            tuple(topic for topic, wanted in changed.items() if wanted),
            tuple(topic for topic, wanted in changed.items() if not wanted),
        )
        new = [topic for topic in change.add if self._leaving.pop(topic, None) is None]
        self._leaving.update(dict.fromkeys(change.remove, self.number))
        everything: Step | None = None
        calls: list[tuple[N, Step]] = []
        for node, state in self._nodes.items():
            if state.due:
                everything = everything or Step(self.number, True, tuple(self._counts), ())
                state.in_step, state.due, state.full = True, False, self.number
                calls.append((node, everything))
            elif state.in_step:
                calls.append((node, change))
            state.sent = self.number
        return change, calls, new

    def failed(self, node: N, step: Step) -> bool:
        """The call did not get through, or was refused. True: make a step at once; else the next
        description will ask for one."""
        state = self._nodes.get(node)
        if state is None or step.number < state.full:
            return False  # the node has been sent the full set since
        state.in_step, state.due = False, not step.full
        return state.due

    def mark(self, node: N) -> int:
        """To be given back to ``described``: what the node should know when it reads a question
        sent now."""
        state = self._nodes.get(node)
        return state.sent if state is not None and state.in_step else NOT_IN_STEP

    def described(self, node: N, mark: int, watched: int, *, restarted: bool) -> bool:
        """The node answers that it has applied this gateway's steps up to ``watched``. True: make a
        step."""
        state = self._nodes.setdefault(node, _Node())
        if restarted or (mark != NOT_IN_STEP and watched != mark and mark >= state.full):
            state.in_step = False
        state.due = not state.in_step
        return state.due

    def forget(self, node: N) -> None:
        """The node is told nothing any more, until it is described again."""
        self._nodes.pop(node, None)

    def lost(self, node: N) -> bool:
        """Messages of this node may have been missed: it gets the full set with the next step.
        True: make one."""
        state = self._nodes.get(node)
        if state is None:
            return False
        state.in_step, state.due = False, True
        return True

    def applied(self, node: N, number: int) -> None:
        """A message of this node has come; whatever it publishes later knows the steps up to
        ``number``."""
        state = self._nodes.get(node)
        if state is not None:
            state.applied = max(state.applied, number)
            state.is_silent = False

    def silent(self, node: N) -> None:
        """Nothing that the node publishes comes any more: its streams will pull, whatever is
        subscribed."""
        state = self._nodes.get(node)
        if state is not None:
            state.is_silent = True

    def released(self) -> list[bytes]:
        """Topics to unsubscribe from, once: no node publishes to them any more. Ended sooner, a
        subscription would leave a hole in the numbers of what a node publishes."""
        applied = min(
            (node.applied for node in self._nodes.values() if not node.is_silent), default=self.number
        )
        released = []
        for topic, number in self._leaving.items():
            if number > applied:
                break
            released.append(topic)
        for topic in released:
            del self._leaving[topic]
        return released


@dataclass(frozen=True, slots=True)
class Change:
    """Topics that one gateway wants and did not want before, and the other way round."""

    added: tuple[bytes, ...] = ()
    removed: tuple[bytes, ...] = ()


class Routing:
    """A node's half: which gateway instances want which topics."""

    def __init__(self) -> None:
        self._topics: dict[str, set[bytes]] = {}
        self._numbers: dict[str, int] = {}
        self._gateways: dict[bytes, tuple[str, ...]] = {}
        self._doubted: set[str] = set()
        self.version = 0
        """Moves when a topic that some gateway wants begins or ceases to be wanted by another one
        as well."""

    def number_of(self, instance: str) -> int:
        """The last step applied from this instance; 0: none, or it is in doubt."""
        return 0 if instance in self._doubted else self._numbers.get(instance, 0)

    def doubt(self, instance: str) -> None:
        """Messages for this instance may have been lost: it is to send the full set, whatever it
        has sent before."""
        if instance in self._numbers:
            self._doubted.add(instance)

    def topics_of(self, instance: str) -> frozenset[bytes]:
        """The topics this instance wants."""
        return frozenset(self._topics.get(instance, ()))

    def gateways_of(self, topic: bytes) -> tuple[str, ...]:
        """The instances that want this topic."""
        return self._gateways.get(topic, ())

    @property
    def instances(self) -> tuple[str, ...]:
        """Every instance that wants anything."""
        return tuple(self._numbers)

    def apply(
        self, instance: str, number: int, *, full: bool, add: Iterable[bytes], remove: Iterable[bytes]
    ) -> Change | None:
        """Apply a step; None: it does not follow the last one, the full set is needed. A step that
        was applied before changes nothing."""
        known = self._numbers.get(instance, 0)
        if number <= known:
            return Change()
        if not full and (not known or number != known + 1):
            return None
        if full:
            self._doubted.discard(instance)
        mine = self._topics.setdefault(instance, set())
        wanted = frozenset(add)
        added = tuple(wanted - mine)
        removed = tuple(mine - wanted) if full else tuple(mine.intersection(remove) - wanted)
        self._numbers[instance] = number
        for topic in added:
            mine.add(topic)
            others = self._gateways.get(topic, ())
            self._gateways[topic] = (*others, instance)
            self.version += bool(others)
        self._drop(instance, mine, removed)
        return Change(added, removed)

    def forget(self, instance: str) -> Change:
        """The instance has gone: it wants nothing."""
        mine = self._topics.pop(instance, set())
        removed = tuple(mine)
        self._numbers.pop(instance, None)
        self._doubted.discard(instance)
        self._drop(instance, mine, removed)
        return Change((), removed)

    def _drop(self, instance: str, mine: set[bytes], removed: Iterable[bytes]) -> None:
        for topic in removed:
            mine.discard(topic)
            left = tuple(one for one in self._gateways.get(topic, ()) if one != instance)
            if left:
                self._gateways[topic] = left
                self.version += 1
            else:
                self._gateways.pop(topic, None)

    def group(self, topics: Iterable[bytes]) -> dict[str, list[bytes]]:
        """The topics that each instance wants, of these."""
        grouped: dict[str, list[bytes]] = {}
        gateways = self._gateways
        for topic in topics:
            for instance in gateways.get(topic, ()):
                mine = grouped.get(instance)
                if mine is None:
                    grouped[instance] = [topic]
                else:
                    mine.append(topic)
        return grouped
