"""Deletes a room in the middle of a round. A device that does not come back is owed all of it: so
the room keeps its log until it is judged."""

import asyncio
import random
import time

from chatd.client import Client
from chatd.errors import ChatdError
from chatd.pb.admin.v1.admin_pb2 import ForgetDeviceRequest, ForgetDeviceResponse
from tests.chaos.clients import OPS
from tests.chaos.connect import Connect
from tests.chaos.history import Deletion, Fault, History, Ok

KEEPER = "gil"
_DEVICE = "lost"


async def register_keeper(connect: Connect) -> None:
    """Before the room is made."""
    client = connect(KEEPER)
    async with client.stream(_DEVICE) as stream:
        await stream.opened()
        stream.abandon()
    client.close()


async def forget_keeper(operator: Client) -> None:
    """Let the deleted room be removed while the next round goes on."""
    request = ForgetDeviceRequest(profile_id=KEEPER, device_id=_DEVICE)
    await operator.call("AdminService/ForgetDevice", request, ForgetDeviceResponse)


async def delete(connect: Connect, room: str, history: History, *, after: float) -> None:
    """Delete the room after so many seconds, once, however many attempts that takes."""
    await asyncio.sleep(after)
    op = next(OPS)
    history.add(Deletion(time.monotonic(), op, room))
    history.add(Fault(time.monotonic(), "deletion", room))
    while True:
        client = connect("operator")
        try:
            seq = await client.delete_room(room, request_id=f"delete-{room}")
        except ChatdError as exc:
            if not exc.retry:
                raise
            await asyncio.sleep(random.uniform(0.0, 0.2))
        else:
            history.add(Ok(time.monotonic(), op, seq))
            return
        finally:
            client.close()
