"""What the writer can be asked to do. Commands are values; ``writer.py`` names who applies each."""

from dataclasses import dataclass

from chatd.core.model import Connection, NewEvent, StreamKey


@dataclass(frozen=True, slots=True)
class StoreEvents:
    """Append events, all or none. Result: a StoredEvent for each. RoomNotFound, NotAMember, EventIdReused."""

    sender_id: str
    events: tuple[NewEvent, ...]


@dataclass(frozen=True, slots=True)
class CreateRoom:
    """Make a room whose first event is its members' joining. Result: Room. AlreadyExists."""

    room_id: str
    name: str
    creator: str
    profiles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddSubscriptions:
    """Make profiles members. Result: MembershipChange. RoomNotFound, NotAMember (unless operator)."""

    room_id: str
    profiles: tuple[str, ...]
    by: str
    operator: bool


@dataclass(frozen=True, slots=True)
class RemoveSubscriptions:
    """End memberships. Result: MembershipChange. RoomNotFound, NotAMember, PermissionDenied."""

    room_id: str
    profiles: tuple[str, ...]
    by: str
    operator: bool


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """Those for whom something changed, and the seq of the event that says so (0: nobody)."""

    profiles: tuple[str, ...]
    seq: int


@dataclass(frozen=True, slots=True)
class OpenStreams:
    """Raise (profile, device)s' epochs, registering new devices. Result: the epochs, in order."""

    devices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AckCursors:
    """Move outbox cursors: room → acknowledged seq, for each stream. Result: indexes of superseded streams, which are ignored."""

    acks: tuple[tuple[StreamKey, dict[str, int]], ...]


@dataclass(frozen=True, slots=True)
class MarkFanned:
    """Rooms' events first … last have been fanned out: (room, first, last). A mark that would leap over a gap is not made."""

    runs: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class MarkPulled:
    """Runs handed to devices from the outbox: (profile, device, room, first, last). Counts attempts of the oldest owed event."""

    runs: tuple[tuple[str, str, str, int, int], ...]


@dataclass(frozen=True, slots=True)
class RegisterConnections:
    connections: tuple[Connection, ...]


@dataclass(frozen=True, slots=True)
class TouchConnections:
    streams: tuple[StreamKey, ...]
    seen_us: int


@dataclass(frozen=True, slots=True)
class ForgetConnections:
    streams: tuple[StreamKey, ...]


Command = (
    StoreEvents
    | CreateRoom
    | AddSubscriptions
    | RemoveSubscriptions
    | OpenStreams
    | AckCursors
    | MarkFanned
    | MarkPulled
    | RegisterConnections
    | TouchConnections
    | ForgetConnections
)


def rooms_of(command: Command) -> tuple[str, ...]:
    """The rooms whose rows a command changes: locked in sorted order before anything else."""
    match command:
        case StoreEvents(events=events):
            return tuple(event.room_id for event in events)
        case AddSubscriptions(room_id=room_id) | RemoveSubscriptions(room_id=room_id):
            return (room_id,)
        case MarkFanned(runs=runs):
            return tuple(run[0] for run in runs)
        case _:
            return ()
