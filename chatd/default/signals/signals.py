"""Signals: what is said in passing, gathered for a moment and published to the devices that asked
for it. Never stored; dropped first under load.

When the same thing is said twice in that moment, the newer is told. When too much waits, or the
database is behind, typing goes first.
"""

from collections.abc import Callable, Collection, Sequence
from itertools import chain

from chatd.core.counter import Counter
from chatd.core.ids import SIGNALS, topic_of
from chatd.core.model import Members
from chatd.core.online import OnlineTable
from chatd.core.wire import signal_record
from chatd.default.part import Part
from chatd.pb.events.v1.signals_pb2 import (
    BlockNotice,
    DeliveredReceipt,
    InvitationNotice,
    ProposalNotice,
    ReadReceipt,
    Signal,
    Typing,
)

MAX_WAITING = 10_000
"""Signals that wait to be published; typing may take half of that."""

_Key = tuple[str, str, str, str]
_Told = tuple[bytes, Collection[bytes]]
"""A record, and the topics that get it."""


class Signals:
    """``publish`` sends a body to each topic and never blocks; ``busy`` is true while there is more
    important work. Signals are gathered for ``flush`` seconds."""

    def __init__(
        self,
        online: OnlineTable,
        publish: Callable[[Sequence[bytes], bytes], None],
        *,
        busy: Callable[[], bool],
        flush: float,
    ) -> None:
        self.online = online
        self._publish = publish
        self._busy = busy
        self._waiting: dict[_Key, list[_Told]] = {}
        self.published = Counter("signals_published", "typing and receipts told to devices")
        self.dropped = Counter("signals_dropped", "typing and receipts not told, for lack of room or time")
        self.part = Part(every=((flush, self.flush),), counters=(self.published, self.dropped))

    @property
    def wanted(self) -> bool:
        """True if any device has asked for signals."""
        return len(self.online) > 0

    def on_topic(self, topic: bytes, there: bool) -> None:
        """A device's topic for signals came or went."""
        if there:
            self.online.add(topic)
        else:
            self.online.remove(topic)

    def typing(self, members: Members, profile_id: str, typing: bool) -> None:
        """To the room's other members."""
        key = ("typing", members.room_id, profile_id, "")
        if self._busy() or (len(self._waiting) >= MAX_WAITING // 2 and key not in self._waiting):
            self.dropped.add()
            return
        own = topic_of(profile_id, "")[:-1]
        topics = tuple(topic for topic in self.online.targets(members) if not topic.startswith(own))
        self._tell(
            key,
            (Signal(typing=Typing(room_id=members.room_id, profile_id=profile_id, typing=typing)), topics),
        )

    def delivered(
        self, members: Members, profile_id: str, device_id: str, first_seq: int, last_seq: int
    ) -> None:
        """A device has acknowledged a stretch: to the room's other devices. Which device it was,
        only those of its own profile are told. A longer stretch replaces a shorter one that
        waits."""
        receipt = DeliveredReceipt(
            room_id=members.room_id, profile_id=profile_id, first_seq=first_seq, seq=last_seq
        )
        own = set(self.online.of_profile(profile_id))
        others = [topic for topic in self.online.targets(members) if topic not in own]
        own.discard(topic_of(profile_id, device_id, SIGNALS))
        to_others = Signal(delivered=receipt)
        receipt.device_id = device_id
        self._tell(
            ("delivered", members.room_id, profile_id, f"{device_id} {first_seq}"),
            (to_others, others),
            (Signal(delivered=receipt), own),
        )

    def read(self, members: Members | None, receipt: ReadReceipt, device_id: str) -> None:
        """A profile has read: to its other devices, and to the room's members if those are known
        and it still is one of them."""
        topics = set(self.online.of_profile(receipt.profile_id))
        if members is not None and receipt.profile_id in members.profiles:
            topics.update(self.online.targets(members))
        topics.discard(topic_of(receipt.profile_id, device_id, SIGNALS))
        self._tell(("read", receipt.room_id, receipt.profile_id, ""), (Signal(read=receipt), topics))

    def invitation(self, room_id: str, profiles: Sequence[str], invited_by: str) -> None:
        """Profiles were invited to a room, or with an empty ``invited_by`` are invited no
        longer."""
        signal = Signal(invitation=InvitationNotice(room_id=room_id, invited_by=invited_by))
        for profile_id in profiles:
            topics = self.online.of_profile(profile_id)
            self._tell(("invitation", room_id, profile_id, ""), (signal, topics))

    def proposal(self, profiles: Sequence[str], notice: ProposalNotice) -> None:
        """A change of a room was proposed, or a proposal decided."""
        signal = Signal(proposal=notice)
        for profile_id in profiles:
            topics = self.online.of_profile(profile_id)
            self._tell(("proposal", notice.room_id, profile_id, notice.proposal_id), (signal, topics))

    def block(self, profile_id: str, others: Sequence[str], blocked: bool) -> None:
        """A profile has blocked others, or does so no longer: to its own devices."""
        topics = self.online.of_profile(profile_id)
        for other in others:
            signal = Signal(block=BlockNotice(profile_id=other, blocked=blocked))
            self._tell(("block", other, profile_id, ""), (signal, topics))

    def _tell(self, key: _Key, *signals: tuple[Signal, Collection[bytes]]) -> None:
        told = [(signal_record(signal.SerializeToString()), topics) for signal, topics in signals if topics]
        if not told:
            return
        if len(self._waiting) >= MAX_WAITING and key not in self._waiting:
            self.dropped.add()
            return
        self._waiting[key] = told

    def flush(self) -> None:
        """Publish what has gathered; a device gets one message."""
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        by_topic: dict[bytes, list[bytes]] = {}
        for record, topics in chain.from_iterable(waiting.values()):
            for topic in topics:
                by_topic.setdefault(topic, []).append(record)
        together: dict[tuple[int, ...], tuple[list[bytes], list[bytes]]] = {}
        for topic, records in by_topic.items():
            together.setdefault(tuple(map(id, records)), (records, []))[1].append(topic)
        for records, same in together.values():
            self._publish(same, b"".join(records))
            self.published.add(len(records) * len(same))
