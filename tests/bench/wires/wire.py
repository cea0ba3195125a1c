"""Wire: one way to connect devices. A message may come to many devices in the same bytes: then it
is parsed once."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from chatd.pb.gateway.v1.gateway_pb2 import Hello, ServerFrame
from tests.bench.subject import stamped_at

OnMessages = Callable[[list[bytes]], None]
"""Gets the messages that have come at once."""


class Arrived(NamedTuple):
    """The content of a message: the stamps of its deliveries, 0.0 for one that is not a text."""

    stamps: tuple[float, ...]
    is_caught_up: bool = False


class Device(Protocol):
    """One device's connection."""

    async def connect(self, uri: str, hello: Hello) -> object:
        """Connect and ask for the stream. Raises OSError."""

    def ack(self, up_to: int) -> None:
        """The device has shown so many deliveries."""

    def heartbeat(self) -> None: ...

    def close(self) -> None: ...


class Wire(NamedTuple):
    """``make`` a device whose messages go to a function; ``parse`` a message, RuntimeError if it is
    an error."""

    make: Callable[[OnMessages], Device]
    parse: Callable[[bytes], Arrived]


def parse_frame(data: bytes) -> Arrived:
    """An encoded ServerFrame."""
    frame = ServerFrame.FromString(data)
    if frame.HasField("closed") or frame.HasField("error"):
        raise RuntimeError(f"the gateway refused: {frame}")
    return Arrived(
        tuple(
            stamped_at(one.payload.fields["text"].string_value.encode())
            if "text" in one.payload.fields
            else 0.0
            for one in frame.deliveries
        ),
        frame.HasField("caught_up"),
    )


def stamp_in(delivery: dict[str, dict[str, str]]) -> float:
    """The stamp of a delivery that came as JSON."""
    text = delivery.get("payload", {}).get("text")
    return 0.0 if text is None else stamped_at(text.encode())
