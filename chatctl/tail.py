"""chatctl tail: the stream of one device, line by line."""

import asyncio
import secrets
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import typer

from chatctl import completion
from chatctl.absent import absent_rooms
from chatctl.arguments import JsonLines
from chatctl.columns import Column, counted
from chatctl.deliveries import fields
from chatctl.forms import Form
from chatctl.invocation import options, output, run
from chatctl.output import Output
from chatctl.signals import show_signal
from chatctl.times import ago, parse_time
from chatctl.waiting import SILENT_SECONDS
from chatd.client import HEAD, Client, Start, Stream, StreamState, parse_start
from chatd.errors import AlreadyExists, InvalidArgument, PermissionDenied
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1.chat_pb2 import RewoundRoom
from chatd.pb.events.v1.signals_pb2 import Signal
from chatd.pb.gateway.v1.gateway_pb2 import Start as WelcomeStart
from chatd.pb.gateway.v1.gateway_pb2 import StartPoint
from chatd.text import nfc

OWN_DEVICE = "chatctl"
"""The device that chatctl is unless --device names another."""

RoomIds = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ROOM",
        help="Show only these rooms; acknowledge others unseen.",
        autocompletion=completion.rooms,
    ),
]
Device = Annotated[str, typer.Option("--device", "-d", help="The profile's device to be.")]
Count = Annotated[
    int | None,
    typer.Option("--count", "-n", min=0, help="End after this many events; 0: register the device and end."),
]
TakeOver = Annotated[
    bool,
    typer.Option(
        "--take-over",
        help="With --as: be a device that exists; its stream is closed, its events come here.",
    ),
]
Ephemeral = Annotated[
    bool,
    typer.Option(
        "--ephemeral", help="Be a new device, and forget it in the end: nothing stays owed. Operators only."
    ),
]
StartAt = Annotated[
    str,
    typer.Option(
        "--start",
        metavar="head|joined|last:N|since:TIME",
        help="Where a new device begins: at the head, where its profile joined, with the last N events of"
        " each room, or from a time on: 12h (ago), 2026-11-26, 14:05. Default: all that"
        " no device of its profile has received, but head in rooms where another one is owed that.",
        show_default=False,
    ),
]
UntilCaughtUp = Annotated[bool, typer.Option("--until-caught-up", help="End when no more events are owed.")]
Receipts = Annotated[bool, typer.Option("--receipts", help="Show also who receives and reads events.")]
Typing = Annotated[bool, typer.Option("--typing", help="Show also who is writing.")]


def tail(
    context: typer.Context,
    rooms: RoomIds = None,
    device: Device = OWN_DEVICE,
    take_over: TakeOver = False,
    ephemeral: Ephemeral = False,
    count: Count = None,
    start: StartAt = "",
    until_caught_up: UntilCaughtUp = False,
    receipts: Receipts = False,
    typing: Typing = False,
    as_json: JsonLines = False,
) -> None:
    """Be a device: show the events it is owed, then new ones, and acknowledge them. An @ before the
    time marks an event that mentions you. Ctrl-C ends it. An operator who acts for a profile does
    not take the place of one of its devices without --take-over.

    Example: chatctl --as bob tail --device laptop

    Example: chatctl --as bob tail --json --until-caught-up | jq .text
    """
    out = output(context, as_json)
    if out.form is Form.CSV and (receipts or typing):
        raise typer.BadParameter("events, receipts and typing have different columns: take --output json")
    kinds = {*(("delivered", "read") if receipts else ()), *(("typing",) if typing else ())}
    only = frozenset(map(nfc, rooms or ()))
    begin = _start(start) if start else HEAD if ephemeral else None
    wanted = Tail(out, only, frozenset(kinds), count, until_caught_up, begin)
    given = options(context)

    if ephemeral and (take_over or device != OWN_DEVICE):
        raise typer.BadParameter(
            "an ephemeral device is a new one, with a name of its own", param_hint="--ephemeral"
        )

    async def follow(client: Client) -> None:
        if rooms:
            absent = absent_rooms(rooms, [room.room_id for room in await client.unread(rooms)])
            if absent:
                out.say(absent)
        if ephemeral:
            await follow_ephemeral(client, wanted, given.timeout)
            return
        if given.profile and not take_over:
            await require_free(client, given.profile, device)
        await wanted.follow(client, device, given.timeout)

    run(context, follow)


def _start(text: str) -> Start:
    """A start as in an address, but for the time. Raises typer.BadParameter."""
    kind, _, rest = text.partition(":")
    if kind == "since":
        return Start.since(parse_time(rest))
    try:
        return parse_start(text)
    except InvalidArgument as exc:
        raise typer.BadParameter(
            f"'{text}' is none of head, joined, last:N and since:TIME", param_hint="--start"
        ) from exc


def _owed(start: WelcomeStart) -> str:
    """The events that a new device is owed, in words."""
    if start.point == StartPoint.START_POINT_HEAD:
        return "it will be owed everything from now on"
    if start.point == StartPoint.START_POINT_UNDELIVERED:
        return "it is owed everything that no device of its profile has received"
    return "it is owed everything from --start on"


async def follow_ephemeral(client: Client, wanted: "Tail", timeout: float) -> None:
    """Be a device of a name that no other has, and forget it in the end."""
    device = f"{OWN_DEVICE}-{secrets.token_hex(4)}"
    profile = ""

    def opened(stream: Stream) -> None:
        nonlocal profile
        profile = stream.profile_id

    try:
        await wanted.follow(client, device, timeout, opened)
    finally:
        if profile:
            request = admin_pb2.ForgetDeviceRequest(profile_id=profile, device_id=device)
            await client.call("AdminService/ForgetDevice", request, admin_pb2.ForgetDeviceResponse)


async def require_free(client: Client, profile: str, device: str) -> None:
    """An operator may be this device of the profile: there is none, or it is chatctl's own and not
    connected.

    Raises AlreadyExists.
    """
    request = admin_pb2.ListDevicesRequest(profile_id=profile, device_id=device, limit=1)
    try:
        found = await client.call("AdminService/ListDevices", request, admin_pb2.ListDevicesResponse)
    except PermissionDenied:
        return  # no operator: the profile is the caller's own, or its Hello will be refused
    for one in found.devices:
        if one.online or device != OWN_DEVICE:
            seen = "connected now" if one.online else f"last seen {ago(one.seen_at_us)}"
            owed = counted(one.owed, "event") if one.owed else "nothing"
            raise AlreadyExists(
                f"'{device}' is a device of '{profile}', {seen} and owed {owed}; --take-over closes its stream"
                " and acknowledges its events, so that it will not get them"
            )


@dataclass(slots=True)
class Tail:
    """The output of one tail and its limits.

    ``rooms``: only these; empty: all. ``kinds`` of signals to print. ``count`` of events; None: no
    limit. ``start``: where a new device begins.
    """

    out: Output
    rooms: frozenset[str]
    kinds: frozenset[str]
    count: int | None
    until_caught_up: bool
    start: Start | None = None
    _away: str = field(default="", init=False)
    """The reason that was said, while it is away."""

    async def follow(
        self,
        client: Client,
        device: str,
        timeout: float,
        on_opened: Callable[[Stream], None] = lambda stream: None,
    ) -> None:
        """Print the device's stream until a limit is reached, or SIGINT or SIGTERM arrives.

        Raises TimeoutError if the stream does not open in ``timeout`` seconds, and any error that
        ends it.
        """
        on_signal = self._on_signal if self.kinds else None
        stream = client.stream(
            device,
            start=self.start,
            on_state=self._on_state,
            on_signal=on_signal,
            on_rewound=self._on_rewound,
        )
        async with stream:
            word = f"no stream yet; waiting for {timeout:g} s at most (--timeout)"
            timer = asyncio.get_running_loop().call_later(SILENT_SECONDS, self.out.say, word)
            try:
                async with asyncio.timeout(timeout):
                    await stream.opened()
            except TimeoutError as exc:
                reason = self._away or "no gateway answers"
                raise TimeoutError(f"no stream was opened in {timeout:g} s: {reason}") from exc
            finally:
                timer.cancel()
            on_opened(stream)
            if stream.start is not None:
                self.out.say(f"{device} is new: {_owed(stream.start)}")
            await self._until_end(stream)
            stream.acknowledge()

    async def _until_end(self, stream: Stream) -> None:
        printing = asyncio.ensure_future(self._print(stream))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, printing.cancel)
        ends = [printing]
        if self.until_caught_up:
            ends.append(asyncio.ensure_future(stream.drained()))
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        for outcome in await asyncio.gather(*ends, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    async def _print(self, stream: Stream) -> None:
        columns = (Column("room", "room_id"), *fields(stream.profile_id))
        printed = 0
        if self.count == 0:
            return
        async for delivery in stream:
            if self.rooms and delivery.room_id not in self.rooms:
                continue
            self.out.item(delivery, columns)
            printed += 1
            if printed == self.count:
                return

    def _on_signal(self, one: Signal) -> None:
        show_signal(self.out, one, self.rooms, self.kinds)

    def _on_rewound(self, rooms: Sequence[RewoundRoom]) -> None:
        for one in rooms:
            if not self.rooms or one.room_id in self.rooms:
                self.out.say(
                    f"{one.room_id} went back: events up to {one.shown_seq} were shown, its newest is now "
                    f"{one.head_seq}; some are lost"
                )

    def _on_state(self, state: StreamState, reason: str) -> None:
        if state is StreamState.CONNECTING and reason:
            if reason != self._away:
                self.out.say(f"reconnecting: {reason}")
            self._away = reason
        elif state in (StreamState.CATCHING_UP, StreamState.LIVE):
            if self._away:
                self.out.say("connected again")
            self._away = ""
            if reason:
                self.out.say(reason)
