"""A small client over the Python SDK: rooms, sends, and a stream that goes on after any end.

client.py room ROOM [PROFILE…] · client.py send ROOM TEXT… · client.py stream DEVICE STATEFILE
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from chatd.client import Client, Delivery, Marks
from chatd.errors import ChatdError
from chatd.pb.chat.v1.chat_pb2 import RewoundRoom
from chatd.text import escaped


def say(*words: object) -> None:
    print(*words, sep="\t", flush=True)


def show(delivery: Delivery) -> None:
    if delivery.skipped is not None:
        say("marker", delivery.room_id, delivery.skipped.first_seq, delivery.skipped.last_seq)
    else:
        say("replay" if delivery.replay else "event", delivery.room_id, delivery.seq, escaped(delivery.text))


def show_rewound(rooms: Sequence[RewoundRoom]) -> None:
    for one in rooms:
        print(f"{one.room_id} went back from {one.shown_seq} to {one.head_seq}", file=sys.stderr)  # L7


def load(file: Path) -> Marks:
    return Marks.loads(file.read_text()) if file.exists() else Marks()


def save(file: Path, marks: Marks) -> None:
    """On disk for good when it returns."""
    made = file.with_suffix(".new")
    with made.open("w") as kept:
        kept.write(marks.dumps())
        kept.flush()
        os.fsync(kept.fileno())
    made.replace(file)


async def stream(client: Client, device: str, file: Path) -> None:
    marks = load(file)
    async with client.stream(device, marks=marks, on_rewound=show_rewound) as deliveries:
        async for batch in deliveries.batches():  # asking for the next one acknowledges this one
            for delivery in batch:
                show(delivery)
                marks.add(delivery)
            save(file, marks)


async def send(client: Client, room: str, *texts: str) -> None:
    for text in texts:  # one after the other: their order is kept whatever happens
        say("sent", room, (await client.send(room, text)).seq)


async def room(client: Client, name: str, *profiles: str) -> None:
    say("room", (await client.create_room(name, profiles=profiles)).room_id)


async def main(command: str, *words: str) -> None:
    async with Client(os.environ["CHATD_URI"], os.environ["CHATD_TOKEN"], call_timeout=60) as client:
        if command == "stream":
            task = asyncio.ensure_future(stream(client, words[0], Path(words[1])))
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
            with contextlib.suppress(asyncio.CancelledError):  # the stream has said Bye
                await task
        else:
            await {"send": send, "room": room}[command](client, *words)


try:
    asyncio.run(main(*sys.argv[1:]))
except ChatdError as exc:
    sys.exit(f"{exc.name}: {exc}")
