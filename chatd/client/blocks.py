"""BlockCalls: a session with a method for each call about profiles that are blocked."""

from collections.abc import Iterable

from chatd.client.session import Session
from chatd.pb.chat.v1 import chat_pb2 as chat


class BlockCalls(Session):
    """``request_id`` is explained by ``Session.call``."""

    async def block(self, profiles: Iterable[str], *, request_id: str | None = None) -> list[str]:
        """Have no direct rooms with profiles, and be added to no room by them; returns those that
        were not blocked."""
        request = chat.BlockProfilesRequest(profile_ids=profiles)
        method, response_type = "ChatService/BlockProfiles", chat.BlockProfilesResponse
        return list((await self.call(method, request, response_type, request_id=request_id)).blocked)

    async def unblock(self, profiles: Iterable[str], *, request_id: str | None = None) -> list[str]:
        """Block profiles no longer; returns those that were blocked."""
        request = chat.UnblockProfilesRequest(profile_ids=profiles)
        method, response_type = "ChatService/UnblockProfiles", chat.UnblockProfilesResponse
        return list((await self.call(method, request, response_type, request_id=request_id)).unblocked)

    async def blocked(
        self, *, after_profile_id: str = "", limit: int = 100
    ) -> tuple[list[chat.Blocked], bool]:
        """A page of the profiles that this one has blocked, and True if there are more."""
        request = chat.ListBlockedRequest(after_profile_id=after_profile_id, limit=limit)
        response = await self.call("ChatService/ListBlocked", request, chat.ListBlockedResponse)
        return list(response.blocked), response.more
