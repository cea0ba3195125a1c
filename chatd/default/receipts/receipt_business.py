"""ReceiptBusiness: read markers, unread counts and delivery status. Markers are kept; devices that
want signals are told when they move."""

from collections.abc import Sequence

from chatd.core.ids import check_id, check_seq
from chatd.core.model import Members, StreamAcks
from chatd.default.answer import Answer, Call, Caller, Read, Role, Write
from chatd.default.limits import page_limit
from chatd.default.part import Part
from chatd.default.receipts.delivered import FindDelivered, Stretch
from chatd.default.receipts.delivery_status import GetDeliveryStatus
from chatd.default.receipts.model import DeliveryStatus, ReadMarker, RecipientStatus, UnreadRoom
from chatd.default.receipts.store import ListUnread, SetReadMarker
from chatd.default.rooms.members import FindMembers
from chatd.default.signals.signals import Signals
from chatd.errors import InvalidArgument
from chatd.pb.chat.v1 import chat_pb2
from chatd.pb.events.v1.payloads_pb2 import DeliveryState, EventReceipt
from chatd.pb.events.v1.signals_pb2 import ReadReceipt
from chatd.store.access import StoreAccess

MAX_ROOMS = 1_000


class ReceiptBusiness:
    """Rooms of more than ``room_limit`` members are not told of receipts; asking works for all."""

    def __init__(self, signals: Signals, store: StoreAccess, *, room_limit: int) -> None:
        self._signals = signals
        self._store = store
        self._room_limit = room_limit
        self.part = Part(
            calls=(
                Call(
                    "ChatService/SetReadMarker",
                    chat_pb2.SetReadMarkerRequest,
                    Role.USER,
                    self.set_read_marker,
                    is_remembered=False,  # a marker only moves forward
                ),
                Call("ChatService/ListUnread", chat_pb2.ListUnreadRequest, Role.USER, self.list_unread),
                Call(
                    "ChatService/GetDeliveryStatus",
                    chat_pb2.GetDeliveryStatusRequest,
                    Role.USER,
                    self.get_delivery_status,
                ),
            )
        )

    def set_read_marker(self, caller: Caller, request: chat_pb2.SetReadMarkerRequest) -> Answer:
        """Move the caller's marker of a room forward."""
        room_id = check_id("room_id", request.room_id)
        device_id = check_id("device_id", request.device_id) if request.device_id else ""

        def after(marker: ReadMarker) -> None:
            if marker.moved and self._signals.wanted:
                self._tell_read(marker, device_id)

        def then(marker: ReadMarker) -> chat_pb2.SetReadMarkerResponse:
            return chat_pb2.SetReadMarkerResponse(
                seq=marker.seq, unread=marker.unread, mentions=marker.mentions
            )

        return Write(
            SetReadMarker(caller.profile_id, room_id, check_seq("seq", request.seq), device_id), then, after
        )

    def _tell_read(self, marker: ReadMarker, device_id: str) -> None:
        receipt = ReadReceipt(
            room_id=marker.room_id, profile_id=marker.profile_id, seq=marker.seq, read_at_us=marker.read_at_us
        )
        self._store.ask(
            FindMembers(self._store.members, (marker.room_id,), "", self._room_limit),
            lambda found: self._signals.read(found.get(marker.room_id), receipt, device_id),
        )

    def acknowledged(self, acks: Sequence[StreamAcks]) -> None:
        """Cursors have moved: tell the rooms' other devices what has been delivered. A room is told
        nothing of a profile that takes no part in it, or has left it."""
        if not self._signals.wanted:
            return
        moved = [
            (one.stream.profile_id, one.stream.device_id, room_id, seq)
            for one in acks
            for room_id, seq in (*one.cursors.items(), *one.replayed)
        ]
        if not moved:
            return

        def then(found: tuple[dict[str, Members], tuple[Stretch, ...]]) -> None:
            members, stretches = found
            for one in stretches:
                self._signals.delivered(
                    members[one.room_id], one.profile_id, one.device_id, one.first_seq, one.last_seq
                )

        self._store.ask(FindDelivered(self._store.members, tuple(moved), self._room_limit), then)

    def list_unread(self, caller: Caller, request: chat_pb2.ListUnreadRequest) -> Answer:
        """The caller's rooms with their unread counts."""
        if len(request.room_ids) > MAX_ROOMS:
            raise InvalidArgument(f"{len(request.room_ids)} rooms; a request names at most {MAX_ROOMS}")
        query = ListUnread(
            caller.profile_id,
            tuple(dict.fromkeys(request.room_ids)),
            request.after_room_id,
            page_limit(request.limit),
        )
        return Read(query, _unread_to_pb)

    def get_delivery_status(self, caller: Caller, request: chat_pb2.GetDeliveryStatusRequest) -> Answer:
        """The progress of an event to those it is for."""
        query = GetDeliveryStatus(
            room_id=check_id("room_id", request.room_id),
            seq=check_seq("seq", request.seq),
            profile_id=caller.profile_id,
            operator=caller.sees_all,
            after_profile_id=request.after_profile_id,
            limit=page_limit(request.limit),
        )
        return Read(query, _status_to_pb)


def _unread_to_pb(page: tuple[tuple[UnreadRoom, ...], bool]) -> chat_pb2.ListUnreadResponse:
    return chat_pb2.ListUnreadResponse(
        rooms=[
            chat_pb2.Unread(
                room_id=one.room_id,
                read_seq=one.read_seq,
                read_at_us=one.read_at_us,
                head_seq=one.head_seq,
                unread=one.unread,
                name=one.name,
                mentions=one.mentions,
            )
            for one in page[0]
        ],
        more=page[1],
    )


def _status_to_pb(status: DeliveryStatus) -> chat_pb2.GetDeliveryStatusResponse:
    return chat_pb2.GetDeliveryStatusResponse(
        recipients=status.recipients,
        delivered=status.delivered,
        read=status.read,
        profiles=[_recipient(one) for one in status.profiles],
        more=status.more,
    )


def _recipient(one: RecipientStatus) -> chat_pb2.RecipientStatus:
    recipient = chat_pb2.RecipientStatus(
        profile_id=one.profile_id,
        read=one.read_at_us > 0,
        read_at_us=one.read_at_us,
        devices=[_receipt(one.profile_id, *device) for device in one.devices],
    )
    recipient.state = one.state  # type: ignore[assignment]
    return recipient


def _receipt(profile_id: str, device_id: str, state: int) -> EventReceipt:
    receipt = EventReceipt(
        profile_id=profile_id, device_id=device_id, acked=state == DeliveryState.DELIVERY_STATE_ACKNOWLEDGED
    )
    receipt.state = state  # type: ignore[assignment]
    return receipt
