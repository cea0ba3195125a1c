"""AdminService: rooms, the outbox, connections, counters. Operators only; contents of events are never shown."""

from collections.abc import Callable

from chatd.core.ids import check_seq, topic_of
from chatd.core.model import Member, OutboxEntry, OutboxSummary, Recipient, Room
from chatd.core.online import OnlineTable
from chatd.default.answer import Answer, Caller, Done, Method, Read, parse
from chatd.default.connection_cache import ConnectionCache
from chatd.default.room_business import room_to_pb
from chatd.errors import InvalidArgument
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.events.v1.payloads_pb2 import EventBroadcast, EventDelivery, EventLink, EventReceipt
from chatd.store import queries as q

MAX_LIMIT = 1_000
DEFAULT_LIMIT = 100


class AdminService:
    """``clock`` gives microseconds since the Unix epoch; ``status`` the node's counters."""

    def __init__(
        self,
        *,
        online: OnlineTable,
        cache: ConnectionCache,
        status: Callable[[], admin_pb2.GetStatusResponse],
        clock: Callable[[], int],
    ) -> None:
        self._online = online
        self._cache = cache
        self._status = status
        self._clock = clock
        self.methods: dict[str, Method] = {
            "AdminService/ListRooms": self.list_rooms,
            "AdminService/GetRoom": self.get_room,
            "AdminService/ListOutbox": self.list_outbox,
            "AdminService/ListOutboxEntries": self.list_outbox_entries,
            "AdminService/GetBroadcast": self.get_broadcast,
            "AdminService/ListConnections": self.list_connections,
            "AdminService/GetStatus": self.get_status,
        }

    def list_rooms(self, caller: Caller, payload: bytes) -> Answer:
        caller.require_operator()
        request = parse(admin_pb2.ListRoomsRequest, payload)

        def then(page: tuple[tuple[Room, ...], bool]) -> admin_pb2.ListRoomsResponse:
            return admin_pb2.ListRoomsResponse(rooms=map(room_to_pb, page[0]), more=page[1])

        return Read(q.ListRooms(request.after_room_id, limit_of(request.limit)), then)

    def get_room(self, caller: Caller, payload: bytes) -> Answer:
        caller.require_operator()
        request = parse(admin_pb2.GetRoomRequest, payload)

        def then(found: tuple[Room, tuple[Member, ...]]) -> admin_pb2.GetRoomResponse:
            room, members = found
            return admin_pb2.GetRoomResponse(
                room=room_to_pb(room),
                members=[
                    admin_pb2.Member(profile_id=one.profile_id, owner=one.owner, joined_seq=one.joined_seq, devices=one.devices)
                    for one in members
                ],
                published_seq=room.published_seq,
            )

        return Read(q.GetRoom(request.room_id), then)

    def list_outbox(self, caller: Caller, payload: bytes) -> Answer:
        caller.require_operator()
        request = parse(admin_pb2.ListOutboxRequest, payload)

        def then(page: tuple[tuple[OutboxSummary, ...], bool]) -> admin_pb2.ListOutboxResponse:
            return admin_pb2.ListOutboxResponse(rows=map(self._summary, page[0]), more=page[1])

        return Read(q.ListOutbox(request.profile_id, request.device_id, request.room_id, limit_of(request.limit)), then)

    def _summary(self, row: OutboxSummary) -> admin_pb2.OutboxSummary:
        return admin_pb2.OutboxSummary(
            profile_id=row.profile_id,
            device_id=row.device_id,
            room_id=row.room_id,
            acked_seq=row.acked_seq,
            owed_until_seq=row.owed_until_seq,
            owed=row.owed,
            oldest_at_us=row.oldest_at_us,
            attempts=row.attempts,
            online=topic_of(row.profile_id, row.device_id) in self._online,
        )

    def list_outbox_entries(self, caller: Caller, payload: bytes) -> Answer:
        caller.require_operator()
        request = parse(admin_pb2.ListOutboxEntriesRequest, payload)

        def then(page: tuple[tuple[OutboxEntry, ...], bool]) -> admin_pb2.ListOutboxEntriesResponse:
            now = self._clock()
            return admin_pb2.ListOutboxEntriesResponse(entries=[_entry(row, now) for row in page[0]], more=page[1])

        return Read(q.ListOutboxEntries(request.profile_id, request.device_id, request.room_id, limit_of(request.limit)), then)

    def get_broadcast(self, caller: Caller, payload: bytes) -> Answer:
        """An event and how far it has come, as the EventBroadcast it once was."""
        caller.require_operator()
        request = parse(admin_pb2.GetBroadcastRequest, payload)

        def then(found: tuple[bytes, tuple[Recipient, ...]]) -> admin_pb2.GetBroadcastResponse:
            delivery, recipients = found
            event = EventDelivery.FromString(delivery).event
            age = self._clock() - event.sent_at_us
            targets = [
                EventReceipt(
                    profile_id=one.profile_id,
                    device_id=one.device_id,
                    acked=one.acked,
                    attempts=one.attempts,
                    owed_for_us=0 if one.acked else age,
                )
                for one in recipients
            ]
            return admin_pb2.GetBroadcastResponse(broadcast=EventBroadcast(event=event, targets=targets, priority=event.priority))

        return Read(q.GetBroadcast(request.room_id, check_seq("seq", request.seq)), then)

    def list_connections(self, caller: Caller, payload: bytes) -> Answer:
        caller.require_operator()
        request = parse(admin_pb2.ListConnectionsRequest, payload)
        return self._cache.list(request.profile_id, limit_of(request.limit))

    def get_status(self, caller: Caller, payload: bytes) -> Answer:
        caller.require_operator()
        return Done(self._status())


def limit_of(limit: int) -> int:
    """Rows to ask for. Raises InvalidArgument."""
    if limit > MAX_LIMIT:
        raise InvalidArgument(f"limit {limit}; at most {MAX_LIMIT}")
    return limit or DEFAULT_LIMIT


def _entry(row: OutboxEntry, now_us: int) -> admin_pb2.OutboxEntry:
    link = EventLink(event_id=row.event_id, room_id=row.room_id, seq=row.seq, sender_id=row.sender_id, sent_at_us=row.sent_at_us)
    link.type = row.type  # type: ignore[assignment]
    target = EventReceipt(profile_id=row.profile_id, device_id=row.device_id, attempts=row.attempts, owed_for_us=now_us - row.sent_at_us)
    return admin_pb2.OutboxEntry(event=link, target=target)
