"""AdminService, the part that changes things: dead letters, purging, erasing; and who serves. Operators only."""

from collections.abc import Callable, Iterable

from chatd.control.admin_service import limit_of
from chatd.core.ids import check_id, check_seq, topic_of
from chatd.core.model import DeadLetter
from chatd.default.answer import Answer, Caller, Done, Method, Read, Write, parse
from chatd.default.leases import Leases
from chatd.default.retention import BATCH, ID_MEMORY_US
from chatd.errors import InvalidArgument
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.events.v1.payloads_pb2 import EventLink
from chatd.store import commands as c
from chatd.store.queries import ListDeadLetters

MAX_LETTERS = 1_000


class UpkeepService:
    """``notify`` wakes the stream of a topic, ``clock`` gives microseconds since the Unix epoch."""

    def __init__(self, *, leases: Leases, notify: Callable[[bytes], None], clock: Callable[[], int]) -> None:
        self._leases = leases
        self._notify = notify
        self._clock = clock
        self.methods: dict[str, Method] = {
            "AdminService/ListNodes": self.list_nodes,
            "AdminService/ListDeadLetters": self.list_dead_letters,
            "AdminService/ReplayDeadLetters": self.replay_dead_letters,
            "AdminService/DropDeadLetters": self.drop_dead_letters,
            "AdminService/PurgeRoomHistory": self.purge_room_history,
            "AdminService/EraseProfile": self.erase_profile,
        }

    def list_nodes(self, caller: Caller, payload: bytes) -> Answer:
        caller.require_operator()
        now = self._clock()
        return Done(
            admin_pb2.ListNodesResponse(
                nodes=[
                    admin_pb2.Node(
                        node_id=node.node_id,
                        kind=node.kind,
                        uri=node.uri,
                        queue_uri=node.queue_uri,
                        version=node.version,
                        started_at_us=node.started_at_us,
                        lease_left_us=node.lease_until_us - now,
                    )
                    for node in self._leases.all()
                ]
            )
        )

    def list_dead_letters(self, caller: Caller, payload: bytes) -> Answer:
        caller.require_operator()
        request = parse(admin_pb2.ListDeadLettersRequest, payload)

        def then(page: tuple[tuple[DeadLetter, ...], bool]) -> admin_pb2.ListDeadLettersResponse:
            return admin_pb2.ListDeadLettersResponse(letters=map(_to_pb, page[0]), more=page[1])

        query = ListDeadLetters(request.letter_id, request.profile_id, request.device_id, request.room_id, limit_of(request.limit))
        return Read(query, then)

    def replay_dead_letters(self, caller: Caller, payload: bytes) -> Answer:
        """Their devices get them now, if they are connected, or when they come."""
        caller.require_operator()
        letter_ids = _check_letters(parse(admin_pb2.ReplayDeadLettersRequest, payload).letter_ids)

        def then(going: dict[str, tuple[str, str]]) -> admin_pb2.ReplayDeadLettersResponse:
            for device in set(going.values()):
                self._notify(topic_of(*device))
            return admin_pb2.ReplayDeadLettersResponse(replayed=going, unknown=[one for one in letter_ids if one not in going])

        return Write(c.ReplayLetters(letter_ids), then)

    def drop_dead_letters(self, caller: Caller, payload: bytes) -> Answer:
        caller.require_operator()
        letter_ids = _check_letters(parse(admin_pb2.DropDeadLettersRequest, payload).letter_ids)

        def then(dropped: tuple[str, ...]) -> admin_pb2.DropDeadLettersResponse:
            return admin_pb2.DropDeadLettersResponse(dropped=dropped, unknown=[one for one in letter_ids if one not in dropped])

        return Write(c.DropLetters(letter_ids), then)

    def purge_room_history(self, caller: Caller, payload: bytes) -> Answer:
        """An operator's word goes before what devices are owed: they get a gap marker."""
        caller.require_operator()
        request = parse(admin_pb2.PurgeRoomHistoryRequest, payload)
        if bool(request.up_to_seq) == (request.before_us > 0):
            raise InvalidArgument("either up_to_seq or before_us")
        command = c.PurgeLog(
            check_id("room_id", request.room_id),
            check_seq("up_to_seq", request.up_to_seq),
            request.before_us,
            BATCH,
            self._clock() - ID_MEMORY_US,
        )
        return Write(
            command,
            lambda purged: admin_pb2.PurgeRoomHistoryResponse(first_seq=purged.first_seq, removed=purged.removed, more=purged.more),
        )

    def erase_profile(self, caller: Caller, payload: bytes) -> Answer:
        caller.require_operator()
        profile_id = check_id("profile_id", parse(admin_pb2.EraseProfileRequest, payload).profile_id)
        return Write(
            c.EraseProfile(profile_id, BATCH),
            lambda purged: admin_pb2.EraseProfileResponse(erased=purged.removed, more=purged.more),
        )


def _check_letters(letter_ids: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(letter_ids))
    if not 1 <= len(found) <= MAX_LETTERS:
        raise InvalidArgument(f"{len(found)} dead letters; a request names 1 to {MAX_LETTERS}")
    return found


def _to_pb(letter: DeadLetter) -> admin_pb2.DeadLetter:
    event = EventLink(
        event_id=letter.event_id, room_id=letter.room_id, seq=letter.seq, sender_id=letter.sender_id, sent_at_us=letter.sent_at_us
    )
    event.type = letter.type  # type: ignore[assignment]
    found = admin_pb2.DeadLetter(
        letter_id=letter.letter_id,
        event=event,
        profile_id=letter.profile_id,
        device_id=letter.device_id,
        text=letter.text,
        attempts=letter.attempts,
        first_failed_at_us=letter.first_failed_at_us,
        dead_at_us=letter.dead_at_us,
        replaying=bool(letter.replaying),
    )
    found.reason = letter.reason  # type: ignore[assignment]
    return found
