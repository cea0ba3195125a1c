"""AdminService's calls that remove: the older part of a room's log, a profile."""

from collections.abc import Callable

from chatd.core.ids import check_id, check_seq
from chatd.default.answer import Answer, Call, Caller, ReadFirst, Role, Write
from chatd.default.part import Part
from chatd.default.retention.erase import EraseProfile, FindTraces, Traces
from chatd.default.retention.model import Purged
from chatd.default.retention.retention import BATCH, ID_MEMORY_US
from chatd.default.retention.store import PurgeLog
from chatd.errors import InvalidArgument
from chatd.pb.admin.v1 import admin_pb2


class RetentionAdmin:
    """``clock`` gives microseconds since the Unix epoch."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self.part = Part(
            calls=(
                Call(
                    "AdminService/PurgeRoomHistory",
                    admin_pb2.PurgeRoomHistoryRequest,
                    Role.ERASE,
                    self.purge_room_history,
                ),
                Call(
                    "AdminService/EraseProfile",
                    admin_pb2.EraseProfileRequest,
                    Role.ERASE,
                    self.erase_profile,
                ),
            )
        )

    def purge_room_history(self, caller: Caller, request: admin_pb2.PurgeRoomHistoryRequest) -> Answer:
        """Remove events even if devices are owed them: these get a gap marker."""
        if bool(request.up_to_seq) == (request.before_us > 0):
            raise InvalidArgument("either up_to_seq or before_us")
        command = PurgeLog(
            check_id("room_id", request.room_id),
            check_seq("up_to_seq", request.up_to_seq),
            request.before_us,
            BATCH,
            self._clock() - ID_MEMORY_US,
        )

        def then(purged: Purged) -> admin_pb2.PurgeRoomHistoryResponse:
            return admin_pb2.PurgeRoomHistoryResponse(
                first_seq=purged.first_seq, removed=purged.removed, more=purged.more
            )

        return Write(command, then)

    def erase_profile(self, caller: Caller, request: admin_pb2.EraseProfileRequest) -> Answer:
        """One step of erasing a profile; the caller asks again while there is more."""
        profile_id = check_id("profile_id", request.profile_id)

        def then(purged: Purged) -> admin_pb2.EraseProfileResponse:
            return admin_pb2.EraseProfileResponse(erased=purged.removed, more=purged.more)

        def erase(traces: Traces) -> Answer:
            return Write(EraseProfile(profile_id, traces, BATCH), then)

        return ReadFirst(FindTraces(profile_id, BATCH), erase)
