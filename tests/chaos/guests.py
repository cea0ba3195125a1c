"""A profile that is invited to rooms by another one: its invitations are accepted, declined and
withdrawn, also at once; it leaves, and blocks the other one for a while."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from google.protobuf.message import Message

from chatd.client import Client
from chatd.errors import ChatdError, NotAMember, PermissionDenied
from chatd.pb.chat.v1 import chat_pb2 as chat
from tests.chaos.clients import OPS
from tests.chaos.connect import Connect
from tests.chaos.history import UNTOLD, Block, Change, Fail, History, Ok

GUEST, HOST = "ian", "ann"
Call = Callable[[Client, str], Awaitable[int]]
"""Does something, with a request id; the seq, 0: nothing was to be done, or UNTOLD."""
WithSeq = TypeVar(
    "WithSeq", chat.AcceptInvitationResponse, chat.WithdrawInvitationsResponse, chat.LeaveRoomResponse
)


class Guest:
    """Invited to one room again and again, until the room is deleted. ``users``: clients with
    tokens of users, since operators do not invite, but add. Each call is repeated with one request
    id until its outcome is known."""

    def __init__(self, users: Connect, room: str, history: History, *, pace: float = 0.6) -> None:
        self._users = users
        self._room = room
        self._history = history
        self._pace = pace

    async def run(self) -> None:
        """Until the room is deleted."""
        ends = [
            (self.accept,),
            (self.accept, self.accept),
            (self.decline,),
            (self.withdraw,),
            (self.accept, self.decline),
            (self.accept, self.withdraw),
            (self.decline, self.withdraw),
        ]
        with suppress(NotAMember):
            while True:
                await self._pause()
                with suppress(PermissionDenied):  # it has blocked the host
                    await self.invite()
                    await self._pause()
                    await asyncio.gather(*(_if_it_can(end) for end in random.choice(ends)))
                    await self._pause()
                    await _if_it_can(self.leave)

    async def _pause(self) -> None:
        await asyncio.sleep(random.uniform(0.2, 2.0) * self._pace)

    async def invite(self) -> None:
        """Raises PermissionDenied, and NotAMember when the room is deleted."""

        async def call(client: Client, request_id: str) -> int:
            return (await client.add_members(self._room, [GUEST], request_id=request_id)).seq

        await self._change(HOST, call, joins=True, invitation=True)

    async def accept(self) -> None:
        """Raises NotAMember."""
        request = chat.AcceptInvitationRequest(room_id=self._room)
        call = self._call("ChatService/AcceptInvitation", request, chat.AcceptInvitationResponse)
        await self._change(GUEST, call, joins=True)

    async def decline(self) -> None:
        """The room's members alone are told the seq."""

        async def call(client: Client, request_id: str) -> int:
            return UNTOLD if await client.decline_invitation(self._room, request_id=request_id) else 0

        await self._change(GUEST, call, joins=False, invitation=True)

    async def withdraw(self) -> None:
        """Raises NotAMember when the room is deleted."""
        request = chat.WithdrawInvitationsRequest(room_id=self._room, profile_ids=[GUEST])
        call = self._call("ChatService/WithdrawInvitations", request, chat.WithdrawInvitationsResponse)
        await self._change(HOST, call, joins=False, invitation=True)

    async def leave(self) -> None:
        """Raises NotAMember."""
        request = chat.LeaveRoomRequest(room_id=self._room)
        call = self._call("ChatService/LeaveRoom", request, chat.LeaveRoomResponse)
        await self._change(GUEST, call, joins=False)

    def _call(self, method: str, request: Message, response: type[WithSeq]) -> Call:
        async def call(client: Client, request_id: str) -> int:
            answer = await client.call(method, request, response, affinity=self._room, request_id=request_id)
            return answer.seq

        return call

    async def _change(self, by: str, call: Call, *, joins: bool, invitation: bool = False) -> None:
        op = next(OPS)
        self._history.add(Change(time.monotonic(), op, GUEST, self._room, joins, invitation))
        await until_known(self._users, by, op, call, self._history)


class Blocker:
    """The guest blocks the host, and blocks it no longer, again and again."""

    def __init__(self, users: Connect, history: History, *, pace: float = 2.0) -> None:
        self._users = users
        self._history = history
        self._pace = pace

    async def run(self) -> None:
        """For ever. It begins without a block."""
        while True:
            for blocks in (False, True):
                await self.change(blocks=blocks)
                await asyncio.sleep(random.uniform(0.2, 2.0) * self._pace)

    async def change(self, *, blocks: bool) -> None:
        async def call(client: Client, request_id: str) -> int:
            await (client.block if blocks else client.unblock)([HOST], request_id=request_id)
            return 0

        op = next(OPS)
        self._history.add(Block(time.monotonic(), op, GUEST, HOST, blocks))
        await until_known(self._users, GUEST, op, call, self._history)


async def until_known(users: Connect, by: str, op: int, call: Call, history: History) -> None:
    """Raises ChatdError when it is refused."""
    while True:
        client = users(by)
        try:
            seq = await call(client, f"guest{op}")
        except ChatdError as exc:
            if not exc.retry:
                history.add(Fail(time.monotonic(), op, exc.code))
                raise
            await asyncio.sleep(random.uniform(0.0, 0.2))
        else:
            history.add(Ok(time.monotonic(), op, seq))
            return
        finally:
            client.close()


async def _if_it_can(end: Callable[[], Awaitable[None]]) -> None:
    with suppress(NotAMember):
        await end()
