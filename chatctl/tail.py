"""chatctl tail: a device's stream, line by line."""

import asyncio
import signal
from typing import Annotated, Any

import typer

from chatctl.connection import options, run
from chatctl.output import Output, clock
from chatctl.signals import show_signal
from chatd.client import Client, Delivery, Stream, StreamState
from chatd.pb.events.v1.payloads_pb2 import SkipReason
from chatd.pb.events.v1.signals_pb2 import Signal


def row_of(delivery: Delivery) -> dict[str, Any]:
    """A delivery as JSON shows it."""
    return {
        "room_id": delivery.room_id,
        "seq": delivery.seq,
        "event_id": delivery.event_id,
        "sender_id": delivery.sender_id,
        "type": delivery.type,
        "sent_at_us": delivery.sent_at_us,
        "text": delivery.text,
        "payload": delivery.payload,
        "retry_count": delivery.retry_count,
        "replay": delivery.replay,
        "priority": delivery.priority,
        "mentions": list(delivery.mentions),
        "skipped": None
        if delivery.skipped is None
        else {
            "first_seq": delivery.skipped.first_seq,
            "last_seq": delivery.skipped.last_seq,
            "reason": reason_name(delivery.skipped.reason),
        },
    }


def reason_name(reason: SkipReason) -> str:
    """REJECTED, UNDELIVERABLE or RETENTION; a later version's reason as its number."""
    try:
        return SkipReason.Name(reason).removeprefix("SKIP_REASON_")
    except ValueError:
        return str(int(reason))


def tail(
    context: typer.Context,
    rooms: Annotated[
        list[str] | None, typer.Argument(metavar="[ROOM…]", help="Show only these rooms (the others are acknowledged unseen).")
    ] = None,
    device: Annotated[str, typer.Option("--device", "-d", help="Which of the profile's devices to be.")] = "chatctl",
    count: Annotated[int | None, typer.Option("--count", "-n", min=0, help="End after so many; 0: register the device and end.")] = None,
    until_caught_up: Annotated[bool, typer.Option("--until-caught-up", help="End when nothing owed is left.")] = False,
    receipts: Annotated[bool, typer.Option("--receipts", help="Also show who receives and reads.")] = False,
    typing: Annotated[bool, typer.Option("--typing", help="Also show who is writing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object for each event.")] = False,
) -> None:
    """Be a device: show what it is owed, then what comes, acknowledging as it goes; @ before the time: it mentions you. Ctrl-C ends it.

    Example: chatctl --as bob tail --device laptop

    Example: chatctl --as bob tail --json --until-caught-up | jq .text
    """
    out = options(context).output(as_json)
    kinds = {kind for wanted, some in ((receipts, ("delivered", "read")), (typing, ("typing",))) if wanted for kind in some}
    run(context, lambda client: _tail(client, out, device, set(rooms or ()), kinds, count, until_caught_up, options(context).timeout))


async def _tail(
    client: Client, out: Output, device: str, rooms: set[str], kinds: set[str], count: int | None, until_caught_up: bool, timeout: float
) -> None:
    def on_signal(signal: Signal) -> None:
        show_signal(out, signal, rooms, kinds)

    def on_state(state: StreamState, reason: str) -> None:
        if state is StreamState.CONNECTING and reason:
            out.say(f"reconnecting: {reason}")

    stream = client.stream(device, on_state=on_state, on_signal=on_signal if kinds else None)
    loop = asyncio.get_running_loop()
    async with stream:
        try:
            async with asyncio.timeout(timeout):
                await stream.opened()
        except TimeoutError as exc:
            raise TimeoutError(f"the gateway did not open a stream in {timeout:g} s") from exc
        showing = asyncio.ensure_future(_show(stream, out, rooms, count))
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, showing.cancel)
        ends = [showing]
        if until_caught_up:
            ends.append(asyncio.ensure_future(stream.drained()))
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        outcomes = await asyncio.gather(*ends, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        stream.acknowledge()


async def _show(stream: Stream, out: Output, rooms: set[str], count: int | None) -> None:
    shown = 0
    if count == 0:
        return
    async for delivery in stream:
        if rooms and delivery.room_id not in rooms:
            continue
        when = clock(delivery.sent_at_us) if delivery.skipped is None else "-"
        if stream.profile_id in delivery.mentions:
            when = f"@ {when}"  # before anything the sender could have written
        out.item(row_of(delivery), (delivery.room_id, delivery.seq, when, delivery.sender_id or "-", delivery.text))
        shown += 1
        if shown == count:
            return
