"""BlockBusiness: ChatService's calls about the profiles that a profile has blocked."""

from collections.abc import Callable, Sequence

from chatd.default.answer import Answer, Call, Caller, Read, Role, Write
from chatd.default.limits import page_limit
from chatd.default.part import Part
from chatd.default.rooms.blocks import Blocked, BlockProfiles, ListBlocked, UnblockProfiles
from chatd.default.rooms.limits import NO_LIMITS, RoomLimits
from chatd.default.rooms.member_business import check_profiles
from chatd.errors import InvalidArgument
from chatd.pb.chat.v1 import chat_pb2


class BlockBusiness:
    """``changed`` is told of profiles that share fewer rooms than before, ``tell`` of a profile,
    others, and whether it has blocked them or blocks them no longer. Operators have no
    ``limits``."""

    def __init__(
        self,
        limits: RoomLimits,
        *,
        changed: Callable[[Sequence[str]], None],
        tell: Callable[[str, Sequence[str], bool], None],
    ) -> None:
        self._limits = limits
        self._changed = changed
        self._tell = tell
        self.part = Part(
            calls=(
                Call("ChatService/BlockProfiles", chat_pb2.BlockProfilesRequest, Role.USER, self.block),
                Call("ChatService/UnblockProfiles", chat_pb2.UnblockProfilesRequest, Role.USER, self.unblock),
                Call("ChatService/ListBlocked", chat_pb2.ListBlockedRequest, Role.USER, self.list_blocked),
            )
        )

    def block(self, caller: Caller, request: chat_pb2.BlockProfilesRequest) -> Answer:
        """Have no direct rooms with these profiles, and be added to none by them."""
        profiles = check_profiles(request.profile_ids, at_least=1)
        if caller.profile_id in profiles:
            raise InvalidArgument("nobody blocks itself")
        limits = NO_LIMITS if caller.changes_all else self._limits

        def after(blocked: Sequence[str]) -> None:
            if blocked:
                self._changed((caller.profile_id, *blocked))
                self._tell(caller.profile_id, blocked, True)

        return Write(
            BlockProfiles(caller.profile_id, profiles, limits),
            lambda blocked: chat_pb2.BlockProfilesResponse(blocked=blocked),
            after,
        )

    def unblock(self, caller: Caller, request: chat_pb2.UnblockProfilesRequest) -> Answer:
        """Take it back."""
        command = UnblockProfiles(caller.profile_id, check_profiles(request.profile_ids, at_least=1))
        return Write(
            command,
            lambda unblocked: chat_pb2.UnblockProfilesResponse(unblocked=unblocked),
            lambda unblocked: self._tell(caller.profile_id, unblocked, False),
        )

    def list_blocked(self, caller: Caller, request: chat_pb2.ListBlockedRequest) -> Answer:
        """A page of the profiles that the caller has blocked."""

        def then(page: tuple[tuple[Blocked, ...], bool]) -> chat_pb2.ListBlockedResponse:
            found, more = page
            return chat_pb2.ListBlockedResponse(
                blocked=[chat_pb2.Blocked(**one._asdict()) for one in found], more=more
            )

        limit = page_limit(request.limit)
        return Read(ListBlocked(caller.profile_id, request.after_profile_id, limit), then)
