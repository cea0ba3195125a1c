"""Devices that begin in the middle of a round, each at a place of its own, devices that an operator
rewinds, and a profile's first one, which comes when another has looked in."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence

from chatd.client import HEAD, JOINED, UNDELIVERED, Delivery, Start
from chatd.errors import ChatdError
from chatd.pb.admin.v1.admin_pb2 import (
    ForgetDeviceRequest,
    ForgetDeviceResponse,
    GetRoomRequest,
    GetRoomResponse,
    ReplayOutboxRequest,
    ReplayOutboxResponse,
)
from chatd.store.database import Database
from chatd.store.statements import placeholders
from tests.chaos.clients import OVER_SECONDS, Device
from tests.chaos.history import History, Restored
from tests.chaos.visits import Doors

PACE = 1.5
"""Seconds between two of them, about."""
MOST_NEW = 6
LATECOMER = "ida"
"""A member of each room who has no device when it is made."""


class Newcomer(Device):
    """A device whose first Hello comes when others have long been there. ``restores``: how many
    there were before."""

    def __init__(
        self,
        doors: Doors,
        profile: str,
        name: str,
        history: History,
        rooms: Sequence[str],
        restores: int,
        *,
        begins: Start | None,
    ) -> None:
        super().__init__(doors, profile, name, history, {}, begins=begins)
        self._rooms = rooms
        self.restores = restores

    async def take(self, batch: list[Delivery]) -> None:
        """Those of the round: rooms of earlier rounds, which it may be owed, were judged then."""
        await super().take([one for one in batch if one.room_id in self._rooms])

    def firsts(self, uri: str, heads: Mapping[str, int]) -> dict[str, int]:
        """Room → the first seq that it is owed for sure. ``heads`` are those of a moment after it
        began. Without a start it is the latecomer's, and owed all."""
        start = JOINED if self.begins is None else self.begins
        if start.kind == "seqs":
            return {room: start.seqs.get(room, heads[room]) + 1 for room in self._rooms}
        if start.kind == "since_us":
            return {room: seq + 1 for room, seq in _last_before(uri, self._rooms, start.value).items()}
        if start.kind == "last":
            return {room: max(1, heads[room] - start.value + 1) for room in self._rooms}
        return {room: 1 if start == JOINED else heads[room] + 1 for room in self._rooms}


def _draw(rooms: Sequence[str], known: Device) -> Start:
    """A random start; seqs only of what is there for sure."""
    return random.choice(
        [
            HEAD,
            JOINED,
            Start.last(random.choice([1, 100, 10_000])),
            Start.since(time.time_ns() // 1_000 - random.randrange(20_000_000)),
            Start.behind({room: random.randint(0, known.last[room]) for room in rooms[1:]}),
        ]
    )


def _last_before(uri: str, rooms: Sequence[str], at_us: int) -> dict[str, int]:
    """Room → its last seq from before a time."""
    database = Database(uri)
    with database.connection(readonly=True):
        found = dict(
            database.rows(
                f"SELECT room_id, MAX(seq) FROM room_event WHERE room_id IN ({placeholders(len(rooms))}) AND "
                "sent_at_us < ? GROUP BY room_id",
                (*rooms, at_us),
            )
        )
    return {room: found.get(room, 0) for room in rooms}


class Starts:
    """Makes newcomers and rewinds devices until it is stopped. ``owed``: (profile, device) → room
    → the first seq of those that have begun late."""

    def __init__(
        self,
        doors: Doors,
        known: Sequence[Device],
        rooms: Sequence[str],
        history: History,
        uri: str,
        round_: int,
        restores: Sequence[Restored],
    ) -> None:
        self._doors = doors
        self._connect = doors.connect
        self._known = known
        self._rooms = rooms
        self._history = history
        self._uri = uri
        self._round = round_
        self.newcomers: list[Newcomer] = []
        self.owed: dict[tuple[str, str], dict[str, int]] = {}
        self._restores = restores
        """Those of the round so far; what began before one of them may be forgotten."""
        self._heads: list[asyncio.Task[dict[str, int]]] = []
        self._is_over = False
        self._rewound: list[tuple[Device, str, range, int]] = []
        """Device, room, seqs, and the number of restores before it."""

    async def run(self) -> None:
        await asyncio.gather(self._newcomers(), self._latecomer(), self._rewinds(), self._rewinds())

    async def _newcomers(self) -> None:
        for _ in range(MOST_NEW):
            await asyncio.sleep(random.uniform(0, 2 * PACE))
            if self._is_over:
                return
            known = random.choice(self._known)
            self._begin(known.profile, _draw(self._rooms, known))

    async def _latecomer(self) -> None:
        """A page looks in from the head on; the phone, which comes later, is owed all."""
        for begins in (HEAD, None):
            await asyncio.sleep(random.uniform(0, 2 * PACE))
            await self._begin(LATECOMER, begins).opened.wait()

    async def _rewinds(self) -> None:
        while not self._is_over:
            await asyncio.sleep(random.uniform(0, 2 * PACE))
            await self._rewind()

    def stop(self) -> None:
        """After those that are under way."""
        self._is_over = True

    def _begin(self, profile: str, begins: Start | None) -> Newcomer:
        name = f"new{self._round}-{len(self.newcomers)}"
        restores = len(self._restores)
        one = Newcomer(self._doors, profile, name, self._history, self._rooms, restores, begins=begins)
        self.newcomers.append(one)
        one.start()
        self._heads.append(asyncio.create_task(self._heads_after(one)))
        return one

    async def _heads_after(self, one: Newcomer) -> dict[str, int]:
        """Room → its head at a moment after it began."""
        await one.opened.wait()
        while True:
            client = self._connect("operator")
            try:
                found = [
                    await client.call(
                        "AdminService/GetRoom", GetRoomRequest(room_id=room, limit=1), GetRoomResponse
                    )
                    for room in self._rooms
                ]
            except ChatdError:
                await asyncio.sleep(0.2)
            else:
                return {answer.room.room_id: answer.room.head_seq for answer in found}
            finally:
                client.close()

    async def _rewind(self) -> None:
        device, room = random.choice(self._known), random.choice(self._rooms)
        if not device.last[room]:
            return
        first = random.randint(1, device.last[room])
        request = ReplayOutboxRequest(
            profile_id=device.profile, device_id=device.name, room_id=room, from_seq=first
        )
        client, restores = self._connect("operator"), len(self._restores)
        try:
            done = await client.call(
                "AdminService/ReplayOutbox", request, ReplayOutboxResponse, timeout=OVER_SECONDS
            )
        except ChatdError:
            return  # it may have been rewound: that does no harm
        finally:
            client.close()
        self._rewound.append((device, room, range(first, first + done.replayed), restores))

    @property
    def rewound(self) -> int:
        """Rewinds that were made."""
        return len(self._rewound)

    async def settle(self) -> None:
        """Wait until all newcomers have begun, and see what they are owed."""
        for one, heads in zip(self.newcomers, await asyncio.gather(*self._heads), strict=True):
            if one.restores == len(self._restores):
                self.owed[one.profile, one.name] = await asyncio.to_thread(one.firsts, self._uri, heads)

    def missing(self, heads: Mapping[tuple[str, str], int]) -> dict[str, int]:
        """The numbers of events that newcomers and rewound devices still lack. ``heads``: (profile,
        room) → the last seq that is the profile's own."""
        begun = {
            f"{one.profile}/{one.name} {room}": heads.get((one.profile, room), 0) - one.last[room]
            for one in self.newcomers
            if (one.profile, one.name) in self.owed
            for room in self._rooms
            if self.owed[one.profile, one.name][room] <= heads.get((one.profile, room), 0) > one.last[room]
        }
        rewound = {
            f"{device.profile}/{device.name} {room} from {seqs.start} again": lost
            for device, room, seqs, restores in self._rewound
            if restores == len(self._restores)
            and (lost := sum(seq not in device.again[room] for seq in seqs))
        }
        return begun | rewound

    async def forget(self) -> None:
        """Newcomers are no devices any more: a profile may have only so many."""
        client = self._connect("operator")
        try:
            for one in self.newcomers:
                request = ForgetDeviceRequest(profile_id=one.profile, device_id=one.name)
                await client.call("AdminService/ForgetDevice", request, ForgetDeviceResponse)
        finally:
            client.close()

    def wrong_answers(self) -> list[str]:
        """Newcomers whose Welcome named another start than their Hello, or than the latecomer's."""
        return [
            f"{one.profile}/{one.name} asked for {one.begins} and was told {one.told}"
            for one in self.newcomers
            if one.told is not None and one.told != (one.begins or UNDELIVERED).to_pb()
        ]
