"""RoomBusiness: ChatService's calls about rooms and their members."""

import uuid
from collections.abc import Callable, Iterable

from chatd.core.ids import check_id, check_seq
from chatd.core.member_role import MemberRole, RoomKind
from chatd.default.answer import Answer, Call, Caller, Role, Write
from chatd.default.part import Part
from chatd.default.rooms.change import Change, ChangeCall
from chatd.default.rooms.changes import DeleteRoom, UpdateRoom
from chatd.default.rooms.direct import PREFIX, OpenDirectRoom
from chatd.default.rooms.limits import NO_LIMITS, RoomLimits
from chatd.default.rooms.member_business import TellInvited, check_profiles
from chatd.default.rooms.model import Room, RoomChange, RoomRules, metadata_bytes
from chatd.default.rooms.store import CreateRoom
from chatd.errors import InvalidArgument
from chatd.pb.chat.v1 import chat_pb2

MAX_NAME_BYTES = 256
MAX_KEY_BYTES = 128
MAX_KEEP_DAYS = 36_500


class RoomBusiness:
    """Rooms are made, changed and deleted. ``deleted`` is told that one was. With ``invites`` the
    profiles of a user's new room are invited, which ``tell`` learns. Operators have no
    ``limits``. ``changes`` may need approval."""

    def __init__(
        self, limits: RoomLimits, *, deleted: Callable[[], None], invites: bool, tell: TellInvited
    ) -> None:
        self._limits = limits
        self._deleted = deleted
        self._invites = invites
        self._tell = tell
        self.part = Part(
            calls=(
                Call("ChatService/CreateRoom", chat_pb2.CreateRoomRequest, Role.USER, self.create_room),
                Call("ChatService/DeleteRoom", chat_pb2.DeleteRoomRequest, Role.USER, self.delete_room),
            )
        )
        self.changes = (
            ChangeCall(
                "UpdateRoom",
                chat_pb2.UpdateRoomRequest,
                chat_pb2.UpdateRoomResponse,
                self.update_room,
                "update",
            ),
        )

    def _limits_of(self, caller: Caller) -> RoomLimits:
        return NO_LIMITS if caller.changes_all else self._limits

    def create_room(self, caller: Caller, request: chat_pb2.CreateRoomRequest) -> Answer:
        """Make a room; the caller owns it and is its first member. Or find a direct room."""
        limits = self._limits_of(caller)
        kind = _check_kind(request.kind)
        profiles = check_profiles(request.profile_ids, at_least=0)
        if kind is RoomKind.DIRECT:
            opening = OpenDirectRoom(caller.profile_id, _other(caller, request, profiles), limits)
            return Write(opening, lambda room: chat_pb2.CreateRoomResponse(room=room_to_pb(room)))
        metadata = check_metadata(request.metadata)
        description = _check_text("description", request.description)
        limits.check_metadata(metadata_bytes(description, metadata))
        command = CreateRoom(
            room_id=_check_room_id(request.room_id) if request.room_id else uuid.uuid4().hex,
            name=check_name(request.name),
            creator=caller.profile_id,
            profiles=profiles,
            hide_previews=request.hide_previews,
            limits=limits,
            kind=kind,
            public=request.public,
            rules=_check_rules(request.rules),
            description=description,
            metadata={key: value for key, value in metadata.items() if value},
            invites=self._invites and not caller.changes_all,
            operator=caller.changes_all,
        )
        invited = command.others if command.invites else ()

        def then(room: Room) -> chat_pb2.CreateRoomResponse:
            return chat_pb2.CreateRoomResponse(room=room_to_pb(room), invited=invited)

        return Write(command, then, lambda room: self._tell(room.room_id, invited, caller.profile_id))

    def update_room(self, caller: Caller, request: chat_pb2.UpdateRoomRequest) -> Change[RoomChange]:
        """Change a room's name or settings."""
        command = UpdateRoom(
            room_id=check_id("room_id", request.room_id),
            by=caller.profile_id,
            operator=caller.changes_all,
            name=check_name(request.name) if request.HasField("name") else None,
            hide_previews=request.hide_previews if request.HasField("hide_previews") else None,
            public=request.public if request.HasField("public") else None,
            rules=_check_rules(request.rules),
            description=(
                _check_text("description", request.description) if request.HasField("description") else None
            ),
            metadata=check_metadata(request.metadata),
            expected=request.expected_version if request.HasField("expected_version") else None,
            limits=self._limits_of(caller),
        )

        def then(change: RoomChange) -> chat_pb2.UpdateRoomResponse:
            return chat_pb2.UpdateRoomResponse(room=room_to_pb(change.room), seq=change.seq)

        return Change(command, then)

    def delete_room(self, caller: Caller, request: chat_pb2.DeleteRoomRequest) -> Answer:
        """Close a room for ever."""
        command = DeleteRoom(check_id("room_id", request.room_id), caller.profile_id, caller.changes_all)
        return Write(command, lambda seq: chat_pb2.DeleteRoomResponse(seq=seq), lambda seq: self._deleted())


def _check_kind(kind: int) -> RoomKind:
    """Raises InvalidArgument."""
    try:
        return RoomKind(kind) if kind else RoomKind.GROUP
    except ValueError as exc:
        raise InvalidArgument(f"there is no kind {kind} of rooms") from exc


def _other(caller: Caller, request: chat_pb2.CreateRoomRequest, profiles: tuple[str, ...]) -> str:
    """The other profile of a direct room. Raises InvalidArgument."""
    others = [profile_id for profile_id in profiles if profile_id != caller.profile_id]
    if len(others) != 1 or len(profiles) != 1:
        raise InvalidArgument("a direct room has one other profile")
    if len(request.ListFields()) > 2:  # kind and profile_ids
        raise InvalidArgument("of a direct room nothing but the other profile is said")
    return others[0]


def _check_room_id(room_id: str) -> str:
    """Raises InvalidId, InvalidArgument."""
    if room_id.startswith(PREFIX):
        raise InvalidArgument(f"ids that begin with '{PREFIX}' are those of direct rooms")
    return check_id("room_id", room_id)


def _check_rules(rules: chat_pb2.RoomRules) -> RoomRules:
    """Raises InvalidArgument."""
    found = RoomRules(
        rules.add,
        rules.send,
        rules.urgent,
        rules.mention_all,
        rules.requires_approval if rules.HasField("requires_approval") else None,
        rules.keep_days if rules.HasField("keep_days") else None,
        rules.keep_events if rules.HasField("keep_events") else None,
    )
    if (found.keep_days or 0) > MAX_KEEP_DAYS:
        raise InvalidArgument(f"keep_days {found.keep_days}; at most {MAX_KEEP_DAYS}")
    check_seq("keep_events", found.keep_events or 0)
    for role in (found.add, found.send, found.urgent, found.mention_all):
        if role and not MemberRole.MEMBER <= role <= MemberRole.OWNER:
            raise InvalidArgument(f"role {role} in a rule; it is one from MEMBER to OWNER")
    return found


def check_metadata(metadata: Iterable[chat_pb2.RoomMetadata]) -> dict[str, str]:
    """Values by key. Raises InvalidArgument."""
    found: dict[str, str] = {}
    for one in metadata:
        if one.key in found:
            raise InvalidArgument(f"key {one.key[:40]!a} is there twice")
        if not 1 <= len(one.key.encode()) <= MAX_KEY_BYTES:
            raise InvalidArgument(f"a key of metadata has 1 to {MAX_KEY_BYTES} bytes")
        found[one.key] = _check_text("metadata", one.value)
    return found


def _check_text(what: str, text: str) -> str:
    """Raises InvalidArgument."""
    if "\0" in text:
        raise InvalidArgument(f"{what} holds a NUL")
    return text


def check_name(name: str, what: str = "a room's name") -> str:
    """The name, or a query for some. Raises InvalidArgument."""
    if len(name.encode()) > MAX_NAME_BYTES or "\0" in name:
        raise InvalidArgument(f"{what} has at most {MAX_NAME_BYTES} bytes and no NUL")
    return name


def room_to_pb(room: Room) -> chat_pb2.Room:
    """A room as its members see it."""
    return chat_pb2.Room(
        room_id=room.room_id,
        name=room.name,
        head_seq=room.head_seq,
        membership_version=room.membership_version,
        created_at_us=room.created_at_us,
        created_by=room.created_by,
        member_count=room.member_count,
        hide_previews=room.hide_previews,
        kind=room.kind,  # type: ignore[arg-type]
        public=room.public,
        rules=chat_pb2.RoomRules(
            add=room.rules.add,  # type: ignore[arg-type]
            send=room.rules.send,  # type: ignore[arg-type]
            urgent=room.rules.urgent,  # type: ignore[arg-type]
            mention_all=room.rules.mention_all,  # type: ignore[arg-type]
            requires_approval=bool(room.rules.requires_approval),
            keep_days=room.rules.keep_days,
            keep_events=room.rules.keep_events,
        ),
        description=room.description,
        metadata=[chat_pb2.RoomMetadata(key=key, value=room.metadata[key]) for key in sorted(room.metadata)],
        settings_version=room.settings_version,
        deleted_seq=room.deleted_seq,
    )
