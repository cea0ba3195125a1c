"""One profile's talk: its stream, its rooms, and the calls that the screen makes."""

import asyncio
from collections.abc import Callable, Coroutine

from chatctl.chat.lines import stored
from chatctl.chat.mentions import mentioned
from chatctl.chat.outgoing import Outbox, Outgoing
from chatctl.chat.room import Room, changed
from chatctl.chat.signals import hear
from chatctl.chat.typing_notice import Typing
from chatctl.times import now_us
from chatd.client import HEAD, Client, Delivery, Stream, StreamState
from chatd.errors import ChatdError, NotAMember
from chatd.pb.chat.v1.chat_pb2 import EventAck, Unread
from chatd.pb.events.v1.payloads_pb2 import EventType
from chatd.pb.events.v1.signals_pb2 import PresenceState, Signal

PAGE = 100
"""Events of one page of history."""
MAX_WATCHED = 1_000
"""Profiles whose presence a stream may watch, and members that one answer names."""


class Talk:
    """``on_change`` is called when something that is shown has changed; ``on_mention`` when an
    event mentions this profile."""

    def __init__(
        self,
        client: Client,
        device_id: str,
        *,
        on_change: Callable[[], None] = lambda: None,
        on_mention: Callable[[], None] = lambda: None,
    ) -> None:
        self.client = client
        self.device_id = device_id
        self.on_change = on_change
        self.on_mention = on_mention
        self.me = ""
        self.rooms: dict[str, Room] = {}
        self.current = Room("")
        self.presence: dict[str, int] = {}
        self.trouble = "connecting"
        """The reason why nothing new arrives; empty: all is well."""
        self.outbox = Outbox(client, on_stored=self._stored, on_change=lambda: self.on_change())
        self.stream = client.stream(device_id, start=HEAD, on_state=self._on_state, on_signal=self._on_signal)
        self._is_begun = False
        self._is_listed = False
        self._was_lost = False
        self._log = ""
        self._watched: tuple[str, ...] = ()
        self._typing = Typing(client)
        self._tasks: set[asyncio.Task[None]] = set()

    async def follow(self) -> None:
        """Take what the stream brings, until it ends. Raises the error that ended it."""
        self._begin(self.stream)
        sending = asyncio.create_task(self.outbox.run(), name="outbox")
        try:
            async for delivery in self.stream:
                self._take(delivery)
        finally:
            for task in (sending, *self._tasks):
                task.cancel()

    def _begin(self, stream: Stream) -> None:
        self.me = stream.profile_id
        self.current.me = self.me
        self.presence[self.me] = PresenceState.PRESENCE_STATE_ONLINE
        self._log = stream.log
        self._is_begun = True
        self.ask(self.list_rooms())

    def ask(self, call: Coroutine[None, None, None]) -> None:
        """Make a call beside all else. An error of it is said."""
        task = asyncio.create_task(self._said(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _said(self, call: Coroutine[None, None, None]) -> None:
        try:
            await call
        except ChatdError as exc:
            self.note(f"! {exc} ({exc.name})")
        self.on_change()

    def note(self, text: str) -> None:
        """The screen says something in the room in view."""
        self.current.note(text, now_us())
        self.on_change()

    # Arrivals

    def _on_state(self, state: StreamState, reason: str) -> None:
        if state is StreamState.CONNECTING:
            self.trouble = reason or self.trouble or "connecting"
            self._was_lost = self._is_begun
        elif state is StreamState.CATCHING_UP and self._is_begun:
            self.trouble = "catching up"
            if self.stream.is_new_device or self.stream.log != self._log or reason:
                self._begin_anew(reason or "this device was forgotten: what it missed is in the history")
        elif state is StreamState.LIVE:
            self.trouble = ""
            if self._was_lost:
                self._was_lost = False
                self.ask(self._catch_up())
        self.on_change()

    def _begin_anew(self, reason: str) -> None:
        self._log = self.stream.log
        for room in {*self.rooms.values(), self.current}:
            room.forget()
        self.note(f"! {reason}")
        if self.current.room_id:
            self.ask(self._load(self.current))

    def _on_signal(self, signal: Signal) -> None:
        hear(self, signal)
        self.on_change()

    def room(self, room_id: str) -> Room:
        """One of the rooms, or a new one that is not kept: what a signal tells of it is of no
        use."""
        return self.rooms.get(room_id) or Room(room_id, self.me)

    def _take(self, delivery: Delivery) -> None:
        room = self.rooms.get(delivery.room_id)
        if room is None:
            room = Room(delivery.room_id, self.me)
            room.head_seq = room.read_seq = delivery.seq - 1
            self.rooms[delivery.room_id] = room
            if self._is_listed and not self.current.room_id:
                self.ask(self.go_to(delivery.room_id))
            elif self._is_listed and delivery.sender_id != self.me:
                self.note(f"{delivery.sender_id} writes in {delivery.room_id}, which is new: /room shows it")
        is_new = room.take(delivery)
        if delivery.sender_id == self.me:
            self.outbox.arrived(delivery.event_id)
        elif is_new and delivery.is_for(self.me):
            self.on_mention()
        if is_new and delivery.skipped is None:
            self._look_at_members(room, delivery)
        self.on_change()

    def _look_at_members(self, room: Room, delivery: Delivery) -> None:
        payload = delivery.payload if delivery.type == EventType.EVENT_TYPE_MEMBERSHIP else {}
        if self.me in payload.get("left", ()):
            self.rooms.pop(room.room_id, None)
        if room is self.current and (payload or delivery.sender_id not in self.presence):
            self._watch(room)

    def _stored(self, sent: Outgoing, ack: EventAck) -> None:
        room = self.rooms.get(sent.room_id)
        if room is not None and ack.seq not in room.lines:
            room.add(stored(ack, self.me, sent.text, sent.mentions))

    # Questions of the screen

    async def list_rooms(self) -> None:
        """Learn which rooms there are, and how far each is read."""
        known = tuple(self.rooms)
        listed = await self.client.unread()
        self._is_listed = True
        named = {unread.room_id for unread in listed}
        for unread in listed:
            self._listed(unread)
        for room_id in known:
            if room_id not in named:
                self.rooms.pop(room_id, None)
        if not self.current.room_id and self.rooms:
            await self.go_to(min(self.rooms))

    async def _catch_up(self) -> None:
        """After an outage: signals of its time are lost, and a page may not have come."""
        await self.list_rooms()
        if self.current.room_id:
            await self.go_to(self.current.room_id)

    def _listed(self, unread: Unread) -> None:
        room = self.rooms.setdefault(unread.room_id, Room(unread.room_id, self.me))
        room.at(unread)
        room.asked_seq = 0

    async def refresh_unread(self, room: Room) -> None:
        """Another device of this profile has read."""
        for unread in await self.client.unread([room.room_id]):
            room.at(unread)

    async def go_to(self, room_id: str) -> None:
        """Bring a room into view. Raises NotAMember."""
        if room_id not in self.rooms:  # of which the stream may not have told yet
            for unread in await self.client.unread([room_id]):
                self._listed(unread)
        room = self.rooms.get(room_id)
        if room is None:
            raise NotAMember(f"you are in no room {room_id}; a member can add you, and /create makes one")
        self.outbox.forget_refused(self.current.room_id)
        if not self.current.room_id:
            room.take_notes(self.current)
        self.current = room
        room.marker_seq = room.read_seq if room.unread else None
        self.on_change()
        if not room.is_loaded and not room.is_loading:
            await self._load(room)
        else:
            await self.members(room)

    async def _load(self, room: Room) -> None:
        room.is_loading = True
        try:
            page, more = await self.client.history(room.room_id, limit=PAGE)
        except ChatdError:
            room.is_loading = False
            raise
        room.load(page, more=more)
        self.on_change()
        if page and page[-1].skipped is None:
            await self._load_members(room, page[-1])

    async def members(self, room: Room) -> set[str]:
        """The members of a room now, as the service says."""
        page, _ = await self.client.history(room.room_id, limit=1)
        if page and page[-1].skipped is None:
            await self._load_members(room, page[-1])
        return room.members or set()

    async def _load_members(self, room: Room, head: Delivery) -> None:
        """``head``, the newest event, was for all members but its sender. How far the reader's own
        newest has come, its recipients say."""
        status = await self.client.delivery_status(room.room_id, head.seq, limit=MAX_WATCHED)
        members = {one.profile_id for one in status.profiles} | {head.sender_id}
        if head.type == EventType.EVENT_TYPE_MEMBERSHIP:
            members = changed(members, head)
        room.set_members(members, head.seq)
        own = room.newest_own()
        if own and own != head.seq:
            status = await self.client.delivery_status(room.room_id, own, limit=MAX_WATCHED)
        if own:
            room.told(own, status)
        self._watch(room)

    def _watch(self, room: Room) -> None:
        self._watched = tuple(sorted((room.members or set()) - {self.me}))[:MAX_WATCHED]
        self.stream.watch_presence(self._watched)

    async def older(self, room: Room) -> None:
        """Read the page before what is known, if there is one."""
        if not room.is_loaded or room.is_loading or not room.has_older:
            return
        room.is_loading = True
        try:
            page, more = await self.client.history(room.room_id, before_seq=room.first_seq, limit=PAGE)
        finally:
            room.is_loading = False
        room.load_older(page, more=more)
        self.on_change()

    async def read(self, room: Room) -> None:
        """All of the room has been seen. It is said once for each newest event, and again after an
        outage."""
        seq = room.head_seq
        if seq <= max(room.read_seq, room.asked_seq) or not room.room_id:
            return
        room.asked_seq = seq
        marker = await self.client.set_read_marker(room.room_id, seq, device_id=self.device_id)
        room.read_seq, room.unread = max(room.read_seq, marker.seq), marker.unread
        room.mentioned = marker.mentions > 0

    def show_as(self, state: PresenceState) -> None:
        """Tell others how reachable this profile's device is."""
        self.presence[self.me] = state
        self.stream.set_presence(state)

    async def typing(self, writes: bool) -> None:
        """This profile writes in the room in view, or has stopped."""
        if self.current.room_id and not self.trouble:
            await self._typing.say(self.current.room_id, writes)

    def say(self, text: str) -> None:
        """Send a text to the room in view."""
        room = self.current
        self._typing.stopped()
        room.marker_seq = None
        self.outbox.put(room.room_id, text, mentioned(text, room.members or ()))
