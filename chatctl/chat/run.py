"""One run of ``chatctl chat``: the device to be, its stream, the screen, and the end."""

import asyncio
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chatctl.chat.screen import Chat
from chatctl.chat.talk import Talk
from chatctl.tail import require_free
from chatd.client import Client
from chatd.errors import ChatdError, PermissionDenied
from chatd.pb.admin.v1 import admin_pb2 as admin
from chatd.text import escaped

OWN_DEVICE = "chatctl-chat"
"""The device of a user, who cannot forget devices: a new one at each start would stay for ever."""

FORGET_SECONDS = 3.0
"""So long the end waits for a service that is away."""


async def talk_as(client: Client, device: str, *, profile: str, take_over: bool, timeout: float) -> None:
    """Show the screen until the user ends it. ``profile``: the one that an operator acts for.

    Raises TimeoutError if the stream does not open in ``timeout`` seconds, and the error that
    ended it.
    """
    if device and profile and not take_over:
        await require_free(client, profile, device)
    async with device_for(client, device, profile) as name:
        talk = Talk(client, name)
        async with talk.stream as stream:
            try:
                async with asyncio.timeout(timeout):
                    await stream.opened()
            except TimeoutError as exc:
                raise TimeoutError(f"the gateway did not open a stream in {timeout:g} s") from exc
            if stream.is_new_device and device:
                talk.note(f"{device} is new: it will be owed everything from now on")
            await _show(Chat(talk))
        for text in talk.outbox.unsent():
            sys.stderr.write(f"chatctl: perhaps not sent: {escaped(text)}\n")


async def _show(screen: Chat) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, screen.exit)
    error = await screen.run_async()
    if error is not None:
        raise error


@asynccontextmanager
async def device_for(client: Client, given: str, profile: str) -> AsyncIterator[str]:
    """The device's name. One that an operator makes for this run is forgotten in the end."""
    if given:
        yield given
        return
    name = f"chatctl-{secrets.token_hex(4)}"
    if not profile or not await _is_operator(client, profile, name):
        yield OWN_DEVICE
        return
    try:
        yield name
    finally:
        request = admin.ForgetDeviceRequest(profile_id=profile, device_id=name)
        try:
            await client.call(
                "AdminService/ForgetDevice", request, admin.ForgetDeviceResponse, timeout=FORGET_SECONDS
            )
        except ChatdError as exc:
            sys.stderr.write(
                f"chatctl: device {name} was not forgotten: {exc}; chatctl device forget does it\n"
            )


async def _is_operator(client: Client, profile: str, device: str) -> bool:
    """False for a user who has named the own profile."""
    request = admin.ListDevicesRequest(profile_id=profile, device_id=device, limit=1)
    try:
        await client.call("AdminService/ListDevices", request, admin.ListDevicesResponse)
    except PermissionDenied:
        return False
    return True
