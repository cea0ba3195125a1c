"""AdminService's calls about dead letters."""

from collections.abc import Callable, Iterable

from chatd.core.ids import topic_of
from chatd.core.metric import Gauge
from chatd.default.answer import Answer, Call, Caller, Read, Role, Write
from chatd.default.dead_letters.model import DeadLetter
from chatd.default.dead_letters.store import DropDeadLetters, ListDeadLetters, ReplayDeadLetters
from chatd.default.limits import page_limit
from chatd.default.part import Part
from chatd.errors import InvalidArgument
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.events.v1.payloads_pb2 import EventLink
from chatd.store.access import StoreAccess
from chatd.store.polled import CountRows, Polled

MAX_LETTERS = 1_000


class DeadLetterAdmin:
    """``notify`` wakes the stream of a topic."""

    def __init__(self, notify: Callable[[bytes], None], store: StoreAccess) -> None:
        self._notify = notify
        letters = Polled(store, CountRows("dead_letter", "state IN ('dead', 'replaying')"))
        self.part = Part(
            calls=(
                Call(
                    "AdminService/ListDeadLetters",
                    admin_pb2.ListDeadLettersRequest,
                    Role.READ,
                    self.list_dead_letters,
                ),
                Call(
                    "AdminService/ReplayDeadLetters",
                    admin_pb2.ReplayDeadLettersRequest,
                    Role.OPERATE,
                    self.replay_dead_letters,
                ),
                Call(
                    "AdminService/DropDeadLetters",
                    admin_pb2.DropDeadLettersRequest,
                    Role.OPERATE,
                    self.drop_dead_letters,
                ),
            ),
            gauges=(Gauge("dead_letters", "dead letters that wait for an operator", letters.read),),
        )

    def list_dead_letters(self, caller: Caller, request: admin_pb2.ListDeadLettersRequest) -> Answer:
        """Dead letters, the newest first."""

        def then(page: tuple[tuple[DeadLetter, ...], bool]) -> admin_pb2.ListDeadLettersResponse:
            return admin_pb2.ListDeadLettersResponse(letters=map(_to_pb, page[0]), more=page[1])

        query = ListDeadLetters(
            request.letter_id,
            request.profile_id,
            request.device_id,
            request.room_id,
            page_limit(request.limit),
        )
        return Read(query, then)

    def replay_dead_letters(self, caller: Caller, request: admin_pb2.ReplayDeadLettersRequest) -> Answer:
        """Their devices get them now if they are connected, else when they come."""
        letter_ids = _check_letters(request.letter_ids)

        def after(going: dict[str, tuple[str, str]]) -> None:
            for device in set(going.values()):
                self._notify(topic_of(*device))

        def then(going: dict[str, tuple[str, str]]) -> admin_pb2.ReplayDeadLettersResponse:
            unknown = [one for one in letter_ids if one not in going]
            return admin_pb2.ReplayDeadLettersResponse(replayed=going, unknown=unknown)

        return Write(ReplayDeadLetters(letter_ids), then, after)

    def drop_dead_letters(self, caller: Caller, request: admin_pb2.DropDeadLettersRequest) -> Answer:
        """Dropped ones are never listed or delivered again."""
        letter_ids = _check_letters(request.letter_ids)

        def then(dropped: tuple[str, ...]) -> admin_pb2.DropDeadLettersResponse:
            unknown = [one for one in letter_ids if one not in dropped]
            return admin_pb2.DropDeadLettersResponse(dropped=dropped, unknown=unknown)

        return Write(DropDeadLetters(letter_ids), then)


def _check_letters(letter_ids: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(letter_ids))
    if not 1 <= len(found) <= MAX_LETTERS:
        raise InvalidArgument(f"{len(found)} dead letters; a request names 1 to {MAX_LETTERS}")
    return found


def _to_pb(letter: DeadLetter) -> admin_pb2.DeadLetter:
    event = EventLink(
        event_id=letter.event_id,
        room_id=letter.room_id,
        seq=letter.seq,
        sender_id=letter.sender_id,
        sent_at_us=letter.sent_at_us,
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
