"""DeviceLimit: streams are opened as long as their profiles have no more devices than they may
have.

A profile can make devices by saying Hello under ever new names, and each costs an outbox row for
every room. So a new device of a profile that is full takes the place of one that nobody misses, or
is refused.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from chatd.core.counter import Counter
from chatd.core.ids import split_topic, topic_of
from chatd.core.online import OnlineTable
from chatd.default.answer import CallStore
from chatd.default.devices.model import DeviceHello, Registered
from chatd.default.devices.replacement import FindReplaceable, ReplaceDevice
from chatd.default.devices.store import LATER, OVERTAKEN, OpenStreams
from chatd.errors import ChatdError, Overtaken, TooManyDevices, Unavailable

CONNECTED_KNOWN_SECONDS = 5.0
"""Within this time a gateway tells the nodes that a device has connected, and a node that has just
started which devices are."""
MAX_ATTEMPTS = 10
"""Attempts to find a place while other newcomers are quicker."""

Opened = Registered | ChatdError
"""A stream, or the reason why there is none."""


class _Opening:
    """Streams that are being opened. ``newcomers`` are the indexes of those that have no place
    yet."""

    def __init__(self, hellos: Sequence[DeviceHello], opened: Sequence[Registered]) -> None:
        self.hellos = hellos
        self.outcomes: list[Opened] = list(opened)
        self.newcomers = deque(index for index, one in enumerate(opened) if not one.epoch)
        self.attempts = 0

    def end(self, outcome: Opened) -> None:
        """The first newcomer has its outcome. A refusal is that of all others of its profile."""
        self.attempts = 0
        first = self.newcomers.popleft()
        self.outcomes[first] = outcome
        if isinstance(outcome, ChatdError):
            for index in list(self.newcomers):
                if self.hellos[index].profile_id == self.hellos[first].profile_id:
                    self.newcomers.remove(index)
                    self.outcomes[index] = outcome


class DeviceLimit:
    """A profile has ``most`` devices at most. ``tell_epoch`` closes a topic's streams that are
    older than the given epoch. ``clock`` gives microseconds since the Unix epoch, ``steady``
    seconds."""

    def __init__(
        self,
        online: OnlineTable,
        *,
        most: int,
        tell_epoch: Callable[[bytes, int], None],
        clock: Callable[[], int],
        steady: Callable[[], float],
    ) -> None:
        self._online = online
        self._most = most
        self._tell_epoch = tell_epoch
        self._clock = clock
        self._steady = steady
        self._connected_known_at = steady() + CONNECTED_KNOWN_SECONDS
        self.replaced = Counter("devices_replaced", "devices that made room for a new one of their profile")

    def open(
        self,
        store: CallStore,
        hellos: Sequence[DeviceHello],
        then: Callable[[Sequence[Opened]], None],
        failed: Callable[[ChatdError], None],
    ) -> None:
        """Open a stream for each; ``then`` gets the outcomes in their order, or ``failed`` the
        error of all."""

        streams = [Registered(LATER)] * len(hellos)

        def open_rest() -> None:
            rest = [index for index, one in enumerate(streams) if one.epoch == LATER]
            command = OpenStreams(tuple(hellos[index] for index in rest), self._most)
            store.write(command, partial(opened, rest), failed)

        def opened(indexes: Sequence[int], found: tuple[Registered, ...]) -> None:
            for index, one in zip(indexes, found, strict=True):
                streams[index] = one
            if any(one.epoch == LATER for one in streams):
                open_rest()
                return
            opening = _Opening(hellos, streams)
            if self._steady() < self._connected_known_at:
                while opening.newcomers:
                    opening.end(Unavailable("this node has just started; it may replace no device yet"))
            self._go_on(store, opening, then)

        open_rest()

    def _go_on(self, store: CallStore, opening: _Opening, then: Callable[[Sequence[Opened]], None]) -> None:
        """Find a place for the next newcomer. One after the other: each takes another device's
        place."""
        if not opening.newcomers:
            overtaken = Overtaken("a later Hello of this device has opened its stream")
            then([overtaken if one == Registered(OVERTAKEN) else one for one in opening.outcomes])
            return
        hello = opening.hellos[opening.newcomers[0]]
        profile_id = hello.profile_id
        unseen_since_us = self._clock() - round(CONNECTED_KNOWN_SECONDS * 1e6)

        def end(outcome: Opened) -> None:
            opening.end(outcome)
            self._go_on(store, opening, then)

        def found(replaceable: str) -> None:
            if not replaceable:
                end(TooManyDevices(f"this profile has {self._most} devices, each in use or owed something"))
                return
            command = ReplaceDevice(hello, self._most, replaceable, unseen_since_us)
            store.write(command, partial(replaced, replaceable), end)

        def replaced(replaceable: str, outcome: tuple[Registered, int]) -> None:
            registered, went = outcome
            if went:
                self.replaced.add()
                self._tell_epoch(topic_of(profile_id, replaceable), went + 1)
            opening.attempts += 1
            if registered.epoch:
                end(registered)
            elif opening.attempts < MAX_ATTEMPTS:
                self._go_on(store, opening, then)
            else:
                end(Unavailable("other new devices of this profile were quicker each time"))

        query = FindReplaceable(profile_id, self._connected(profile_id), unseen_since_us)
        store.ask(query, found, end)

    def _connected(self, profile_id: str) -> frozenset[str]:
        topics = (split_topic(topic) for topic in self._online.of_profile(profile_id))
        return frozenset(ids[1] for ids in topics if ids is not None)
