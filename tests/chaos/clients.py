"""The clients of a chaos run: they send, show, crash and come back, and write down everything they
did and saw."""

import asyncio
import itertools
import random
import time
import zlib
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress

from chatd.client import Client, Delivery, Start, message
from chatd.errors import ChatdError, RoomNotFound
from chatd.pb.chat.v1.chat_pb2 import (
    MEMBER_ROLE_GUEST,
    MEMBER_ROLE_MODERATOR,
    AddRoomSubscriptionsRequest,
    AddRoomSubscriptionsResponse,
    RemoveRoomSubscriptionsRequest,
    RemoveRoomSubscriptionsResponse,
)
from chatd.pb.events.v1.payloads_pb2 import EventType, SkipReason
from chatd.pb.gateway.v1.gateway_pb2 import Start as WelcomeStart
from tests.chaos.connect import Connect
from tests.chaos.history import Acked, Change, Fail, History, Invoke, Ok, Shown, Skipped, Unknown
from tests.chaos.visits import ENDED, Doors, Visit

MAX_BATCH = 64
LOST_SECONDS = 4.0
"""After the loss of a gateway, so long until no node executes what it had passed on: the nodes know
that it would have given them up by then."""
OVER_SECONDS = 60.0
"""A gateway that is stopped for a while answers when it goes on."""
OPS = itertools.count()
"""The numbers of operations."""


def body_hash(delivery: Delivery) -> str:
    """The hash of the text that somebody said; empty for what the daemon says itself, and for what
    retention removed."""
    return text_hash(delivery.text) if delivery.type == EventType.EVENT_TYPE_MESSAGE else ""


def text_hash(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"


class Device:
    """One device, whose connections are each by another front. Its record of what it has shown
    survives its crashes, as an application's database does; everything else does not. ``before``:
    the last seq of each room that it has shown in earlier rounds, whose last acks may have been
    lost."""

    def __init__(
        self,
        doors: Doors,
        profile: str,
        name: str,
        history: History,
        before: Mapping[str, int],
        *,
        begins: Start | None = None,
    ) -> None:
        self.profile, self.name = profile, name
        self.begins = begins
        self.told: WelcomeStart | None = None
        """The start in the Welcome that said that it is new."""
        self.last_event_id = ""
        self._doors = doors
        self._history = history
        self._before = before
        self.last: dict[str, int] = defaultdict(int)
        self._ever = dict(before)
        self._log = ""
        self.again: dict[str, set[int]] = defaultdict(set)
        """Room → seqs of the present log that came as replays, or were covered by a marker."""
        self.covered: dict[tuple[str, str], set[int]] = defaultdict(set)
        """(log, room) → the seqs that were shown, or that a marker stood for."""
        self._visit: Visit | None = None
        self._task: asyncio.Task[None] | None = None
        self.opened = asyncio.Event()
        self.slow = 0.0
        """Seconds between two batches."""

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"{self.profile}/{self.name}")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def crash(self) -> None:
        """Gone without a word."""
        if self._visit is not None:
            self._visit.crash()

    async def _run(self) -> None:
        while True:
            self._visit = self._doors.visit()
            with suppress(*ENDED):
                await self._visit.run(self)
            await asyncio.sleep(random.uniform(0.0, 0.2))

    @property
    def shown(self) -> Mapping[str, int]:
        """The last seq of each room that it has ever shown, in whichever log."""
        return self._ever

    def came_in(self) -> None:
        self.opened.set()

    def is_new(self, start: WelcomeStart) -> None:
        self.told = start

    async def take(self, batch: list[Delivery]) -> None:
        """Show them."""
        for delivery in batch:
            self._show(delivery)
        if self.slow:
            await asyncio.sleep(self.slow)

    def acknowledged(self, batch: list[Delivery]) -> None:
        """They have been acknowledged."""
        now = time.monotonic()
        last = {one.room_id: one for one in batch}
        for room, one in last.items():
            self._history.add(Acked(now, self.profile, self.name, one.epoch, room, one.seq, one.log))

    def _show(self, delivery: Delivery) -> None:
        room, seq, log = delivery.room_id, delivery.seq, delivery.log
        if seq <= self._before.get(room, 0):
            return
        if log != self._log:
            self._log = log
            self.last.clear()
            self.again.clear()
        repeat = seq <= self.last[room]
        now, first = time.monotonic(), seq
        if delivery.skipped is not None:
            first = delivery.skipped.first_seq
            self.again[room].update(range(first, seq + 1))
            reason = SkipReason.Name(delivery.skipped.reason) if delivery.skipped.reason else ""
            self._history.add(
                Skipped(now, self.profile, self.name, delivery.epoch, room, first, seq, reason, log)
            )
        else:
            value = delivery.event_id, body_hash(delivery)
            if delivery.replay:
                self.again[room].add(seq)
            retries = delivery.retry_count
            self._history.add(
                Shown(
                    now,
                    self.profile,
                    self.name,
                    delivery.epoch,
                    room,
                    seq,
                    *value,
                    retries,
                    repeat=repeat,
                    log=log,
                    replay=delivery.replay,
                )
            )
        if not repeat:
            self.last[room] = seq
            self._ever[room] = max(seq, self._ever.get(room, 0))
            self.covered[log, room].update(range(first, seq + 1))


async def login_storm(connect: Connect, profile: str, device: str, times: int) -> None:
    """Log one device in ``times`` at once: each takes the stream over from the last."""

    async def login() -> None:
        client = connect(profile)
        try:
            async with client.stream(device) as stream:
                async with asyncio.timeout(2):
                    await stream.opened()
                stream.abandon()
        except (ChatdError, TimeoutError):
            pass
        finally:
            client.close()

    await asyncio.gather(*(login() for _ in range(times)))


class Sender:
    """Sends to one room until told to stop, a batch at a time, each until its outcome is known or
    patience ends."""

    def __init__(self, connect: Connect, profile: str, room: str, history: History, pace: float) -> None:
        self._connect = connect
        self._profile = profile
        self._room = room
        self._history = history
        self._pace = pace
        self._stop = False

    def stop(self) -> None:
        self._stop = True

    async def run(self) -> None:
        client = self._connect(self._profile)
        try:
            while not self._stop:
                await self._send(client)
                await asyncio.sleep(random.uniform(0, 2 * self._pace))
                if random.random() < 0.02:
                    client.close()
                    client = self._connect(self._profile)
        finally:
            client.close()

    async def _send(self, client: Client) -> None:
        now = time.monotonic()
        ops = [next(OPS) for _ in range(random.randint(1, MAX_BATCH))]
        texts = {op: f"{self._profile} says {op} " + "." * random.randint(0, 60) for op in ops}
        for op in ops:
            self._history.add(Invoke(now, op, self._profile, self._room, f"e{op}", text_hash(texts[op])))
        try:
            acks = await client.send_events([message(self._room, texts[op], event_id=f"e{op}") for op in ops])
        except ChatdError as exc:
            end = time.monotonic()
            for op in ops:
                self._history.add(Unknown(end, op) if exc.retry else Fail(end, op, exc.code))
            return
        end = time.monotonic()
        for op, ack in zip(ops, acks, strict=True):
            self._history.add(Ok(end, op, ack.seq, ack.duplicate))


class Mover:
    """Lets a profile leave a room and come back, again and again, each call until its outcome is
    known. ``ids``: all attempts have one request id, at whichever gateways. Else each attempt is a
    call of its own, at a gateway that nothing stands before: it says when a call is over.
    ``bans``: it is banned instead of removed now and then, and gets other roles."""

    def __init__(
        self,
        connect: Connect,
        profile: str,
        room: str,
        history: History,
        *,
        ids: bool,
        bans: bool = False,
        pace: float = 0.8,
    ) -> None:
        self._bans = bans
        self._connect = connect
        self._profile = profile
        self._room = room
        self._history = history
        self._ids = ids
        self._pace = pace

    async def run(self) -> None:
        """Until the room is deleted."""
        with suppress(RoomNotFound):
            while True:
                for joins in (False, True):
                    await asyncio.sleep(random.uniform(0.2, 2.0) * self._pace)
                    await self.change(joins=joins)
                if self._bans and random.random() < 0.5:
                    await self._promote()

    async def _promote(self) -> None:
        """The outcome does not matter."""
        client = self._connect("operator")
        role = random.choice([MEMBER_ROLE_GUEST, MEMBER_ROLE_MODERATOR])
        with suppress(ChatdError):
            await client.set_member_role(self._room, [self._profile], role)
        client.close()

    async def change(self, *, joins: bool) -> None:
        """Until it is done. Raises RoomNotFound; an earlier attempt may have been executed."""
        op = self._begin(joins=joins)
        while True:
            client = self._connect("operator")
            try:
                seq = await self._call(client, joins=joins, request_id=f"change{op}" if self._ids else "")
            except RoomNotFound:
                raise
            except ChatdError as exc:
                if not self._ids:
                    if "gateway" in str(exc):
                        # Nobody says when what the gateway had passed on is over.
                        await asyncio.sleep(LOST_SECONDS)
                    self._history.add(Unknown(time.monotonic(), op))
                    op = self._begin(joins=joins)
                await asyncio.sleep(random.uniform(0.0, 0.2))
            else:
                self._history.add(Ok(time.monotonic(), op, seq))
                return
            finally:
                client.close()

    def _begin(self, *, joins: bool) -> int:
        op = next(OPS)
        self._history.add(Change(time.monotonic(), op, self._profile, self._room, joins))
        return op

    async def _call(self, client: Client, *, joins: bool, request_id: str) -> int:
        """The seq of the change; 0: there was nothing to do."""
        if joins:
            if self._bans:
                await client.unban(self._room, [self._profile])
            added = await client.call(
                "ChatService/AddRoomSubscriptions",
                AddRoomSubscriptionsRequest(room_id=self._room, profile_ids=[self._profile]),
                AddRoomSubscriptionsResponse,
                affinity=self._room,
                repeatable=self._ids,
                request_id=request_id,
                timeout=None if self._ids else OVER_SECONDS,
            )
            return added.seq
        if self._bans and hash(request_id) % 2:
            banned = await client.ban(self._room, [self._profile], request_id=request_id)
            return banned.seq if banned.removed else 0
        removed = await client.call(
            "ChatService/RemoveRoomSubscriptions",
            RemoveRoomSubscriptionsRequest(room_id=self._room, profile_ids=[self._profile]),
            RemoveRoomSubscriptionsResponse,
            affinity=self._room,
            repeatable=self._ids,
            request_id=request_id,
            timeout=None if self._ids else OVER_SECONDS,
        )
        return removed.seq
