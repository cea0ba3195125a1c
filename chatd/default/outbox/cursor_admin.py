"""AdminService's calls that change what a device is owed."""

from collections.abc import Callable, Sequence
from typing import Protocol

from chatd.core.ids import check_id, check_seq, topic_of
from chatd.default.answer import Answer, Call, Caller, Read, ReadFirst, Role, Write
from chatd.default.outbox.replay import FindReplayed, Replayed, ReplayOutbox
from chatd.default.outbox.skip import FindOwedEvent, FindSkipped, SkipEvent, SkipOutbox, Skipped
from chatd.default.part import Part
from chatd.errors import InvalidArgument
from chatd.pb.admin.v1 import admin_pb2


class _Named(Protocol):
    profile_id: str
    device_id: str
    room_id: str


class CursorAdmin:
    """``notify`` wakes the stream of a topic."""

    def __init__(self, notify: Callable[[bytes], None]) -> None:
        self._notify = notify
        self.part = Part(
            calls=(
                Call("AdminService/SkipOutbox", admin_pb2.SkipOutboxRequest, Role.OPERATE, self.skip_outbox),
                Call(
                    "AdminService/ReplayOutbox",
                    admin_pb2.ReplayOutboxRequest,
                    Role.OPERATE,
                    self.replay_outbox,
                ),
            )
        )

    def skip_outbox(self, caller: Caller, request: admin_pb2.SkipOutboxRequest) -> Answer:
        """A device is no longer owed one event, or all up to a point."""
        given = sum(map(bool, (request.seq, request.until_seq, request.until_us)))
        if given > 1:
            raise InvalidArgument("only one of seq, until_seq and until_us may be set")
        profile_id, device_id, room_id = _named(request, by_seq=bool(request.seq or request.until_seq))
        _check_time("until_us", request.until_us)
        if request.seq:
            seq = check_seq("seq", request.seq)
            return self._skip_event(request.dry_run, profile_id, device_id, room_id, seq)
        until_seq = check_seq("until_seq", request.until_seq)
        find = FindSkipped(profile_id, device_id, room_id, until_seq, request.until_us)
        if request.dry_run:
            return Read(find, _to_skipped)

        def skip(found: Sequence[Skipped]) -> Answer:
            rooms = tuple((one.room_id, one.until_seq) for one in found)
            return Write(
                SkipOutbox(profile_id, device_id, rooms),
                _to_skipped,
                lambda skipped: self._changed(bool(skipped), profile_id, device_id),
            )

        return ReadFirst(find, skip)

    def _skip_event(self, dry_run: bool, profile_id: str, device_id: str, room_id: str, seq: int) -> Answer:
        def then(is_skipped: bool) -> admin_pb2.SkipOutboxResponse:
            return admin_pb2.SkipOutboxResponse(skipped=int(is_skipped), rooms=int(is_skipped))

        find = FindOwedEvent(profile_id, device_id, room_id, seq)
        if dry_run:
            return Read(find, then)
        return ReadFirst(
            find,
            lambda _: Write(
                SkipEvent(profile_id, device_id, room_id, seq),
                then,
                lambda is_skipped: self._changed(is_skipped, profile_id, device_id),
            ),
        )

    def replay_outbox(self, caller: Caller, request: admin_pb2.ReplayOutboxRequest) -> Answer:
        """A device is owed again what comes from a point on."""
        if sum(map(bool, (request.from_seq, request.from_us, request.last))) != 1:
            raise InvalidArgument("one of from_seq, from_us and last must be set")
        profile_id, device_id, room_id = _named(request, by_seq=bool(request.from_seq))
        _check_time("from_us", request.from_us)
        from_seq = check_seq("from_seq", request.from_seq)
        find = FindReplayed(profile_id, device_id, room_id, from_seq, request.from_us, request.last)
        if request.dry_run:
            return Read(find, lambda found: _to_replayed(found, found))

        def replay(found: Sequence[Replayed]) -> Answer:
            rooms = tuple((one.room_id, one.after_seq) for one in found if one.events)
            return Write(
                ReplayOutbox(profile_id, device_id, rooms),
                lambda replayed: _to_replayed(replayed, found),
                lambda replayed: self._changed(bool(replayed), profile_id, device_id),
            )

        return ReadFirst(find, replay)

    def _changed(self, changed: bool, profile_id: str, device_id: str) -> None:
        """An open stream pulls, and is told that it has to be opened again."""
        if changed:
            self._notify(topic_of(profile_id, device_id))


def _named(request: _Named, *, by_seq: bool) -> tuple[str, str, str]:
    """The profile, device and room that a request names, the room perhaps empty."""
    if by_seq and not request.room_id:
        raise InvalidArgument("a seq needs a room_id: each room counts its own events")
    return (
        check_id("profile_id", request.profile_id),
        check_id("device_id", request.device_id),
        check_id("room_id", request.room_id) if request.room_id else "",
    )


def _check_time(name: str, at_us: int) -> None:
    if at_us < 0:
        raise InvalidArgument(f"{name} {at_us} is before 1970")


def _to_skipped(skipped: Sequence[Skipped]) -> admin_pb2.SkipOutboxResponse:
    return admin_pb2.SkipOutboxResponse(
        skipped=sum(one.events for one in skipped), rooms=len({one.room_id for one in skipped})
    )


def _to_replayed(replayed: Sequence[Replayed], found: Sequence[Replayed]) -> admin_pb2.ReplayOutboxResponse:
    return admin_pb2.ReplayOutboxResponse(
        replayed=sum(one.events for one in replayed),
        rooms=len({one.room_id for one in replayed if one.events}),
        removed=sum(one.removed for one in found),
    )
