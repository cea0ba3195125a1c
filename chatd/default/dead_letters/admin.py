"""AdminService's calls about dead letters."""

from collections.abc import Callable, Iterable

from google.protobuf.message import Message

from chatd.core.ids import topic_of
from chatd.core.metric import Gauge
from chatd.default.answer import Answer, Call, Caller, Read, ReadFirst, Role, Write
from chatd.default.dead_letters.model import DeadLetter
from chatd.default.dead_letters.store import (
    NEWEST,
    CountLetters,
    DropDeadLetters,
    FindLetters,
    Letters,
    ListDeadLetters,
    ReplayDeadLetters,
)
from chatd.default.limits import page_limit
from chatd.default.part import Part
from chatd.errors import InvalidArgument
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.admin.v1.admin_pb2 import DropDeadLettersResponse, ReplayDeadLettersResponse
from chatd.pb.events.v1.payloads_pb2 import EventLink
from chatd.store.access import StoreAccess
from chatd.store.polled import CountRows, Polled

MAX_LETTERS = 1_000

_Request = admin_pb2.ReplayDeadLettersRequest | admin_pb2.DropDeadLettersRequest


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
            letters, more = page
            return admin_pb2.ListDeadLettersResponse(
                letters=map(_to_pb, letters), more=more, next_after=NEWEST.place_of(letters, more)
            )

        query = ListDeadLetters(
            request.letter_id,
            request.profile_id,
            request.device_id,
            request.room_id,
            page_limit(request.limit),
            NEWEST.read_place(request.after),
        )
        return Read(query, then)

    def replay_dead_letters(self, caller: Caller, request: admin_pb2.ReplayDeadLettersRequest) -> Answer:
        """Their devices get them now if they are connected, else when they come."""
        letters = Letters(True, request.profile_id, request.device_id, request.room_id)
        if request.dry_run:
            return _count(request, letters, lambda count: ReplayDeadLettersResponse(matching=count))
        return _page(request, letters, self._replay)

    def _replay(self, letter_ids: tuple[str, ...], next_after: str) -> Answer:
        def after(going: dict[str, tuple[str, str]]) -> None:
            for device in set(going.values()):
                self._notify(topic_of(*device))

        def then(going: dict[str, tuple[str, str]]) -> ReplayDeadLettersResponse:
            unknown = [one for one in letter_ids if one not in going]
            return ReplayDeadLettersResponse(replayed=going, unknown=unknown, next_after_letter_id=next_after)

        return Write(ReplayDeadLetters(letter_ids), then, after)

    def drop_dead_letters(self, caller: Caller, request: admin_pb2.DropDeadLettersRequest) -> Answer:
        """Dropped ones are never listed or delivered again."""
        letters = Letters(False, request.profile_id, request.device_id, request.room_id)
        if request.dry_run:
            return _count(request, letters, lambda count: DropDeadLettersResponse(matching=count))
        return _page(request, letters, self._drop)

    def _drop(self, letter_ids: tuple[str, ...], next_after: str) -> Answer:
        def then(dropped: tuple[str, ...]) -> DropDeadLettersResponse:
            found = set(dropped)
            unknown = [one for one in letter_ids if one not in found]
            return DropDeadLettersResponse(dropped=dropped, unknown=unknown, next_after_letter_id=next_after)

        return Write(DropDeadLetters(letter_ids), then)


def _count(request: _Request, letters: Letters, then: Callable[[int], Message]) -> Answer:
    if not request.all:
        raise InvalidArgument("dry_run needs all")
    return Read(CountLetters(letters), then)


def _page(request: _Request, letters: Letters, act: Callable[[tuple[str, ...], str], Answer]) -> Answer:
    """``act`` on the letters that the request names, or on the next page of all that match."""
    if not request.all:
        if request.profile_id or request.device_id or request.room_id or request.after_letter_id:
            raise InvalidArgument("profile_id, device_id, room_id and after_letter_id need all")
        return act(_check_letters(request.letter_ids), "")
    if request.letter_ids:
        raise InvalidArgument("letter_ids and all exclude each other")

    def then(found: tuple[tuple[str, ...], bool]) -> Answer:
        letter_ids, more = found
        return act(letter_ids, letter_ids[-1] if more else "")

    return ReadFirst(FindLetters(letters, request.after_letter_id, MAX_LETTERS), then)


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
