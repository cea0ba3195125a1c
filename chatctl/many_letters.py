"""All dead letters that match, page by page: the service handles a bounded number at once."""

from collections.abc import Callable
from typing import NamedTuple

from chatd.client import Client
from chatd.pb.admin.v1 import admin_pb2

_Request = admin_pb2.ReplayDeadLettersRequest | admin_pb2.DropDeadLettersRequest


class Filter(NamedTuple):
    """The letters that are meant: of these ids; empty: of all."""

    profile_id: str
    device_id: str
    room_id: str


class Kind(NamedTuple):
    """A way to handle dead letters. ``done`` is the response's field with their ids."""

    method: str
    request: type[_Request]
    response: type[admin_pb2.ReplayDeadLettersResponse | admin_pb2.DropDeadLettersResponse]
    verb: str
    doing: str
    done: str
    why_unknown: str


REPLAY = Kind(
    "AdminService/ReplayDeadLetters",
    admin_pb2.ReplayDeadLettersRequest,
    admin_pb2.ReplayDeadLettersResponse,
    "Replay",
    "replaying",
    "replayed",
    "no such dead letter, or its event is no longer kept",
)
DROP = Kind(
    "AdminService/DropDeadLetters",
    admin_pb2.DropDeadLettersRequest,
    admin_pb2.DropDeadLettersResponse,
    "Drop",
    "dropping",
    "dropped",
    "no such dead letter",
)


async def matching(client: Client, kind: Kind, only: Filter) -> int:
    """The number of letters that would be handled."""
    request = kind.request(all=True, dry_run=True, **only._asdict())
    return (await client.call(kind.method, request, kind.response)).matching


async def handle_all(client: Client, kind: Kind, only: Filter, on_page: Callable[[int], None]) -> None:
    """Replay or drop them all; ``on_page`` is told of each page's number. After an error the rest
    is as it was."""
    request = kind.request(all=True, **only._asdict())
    while True:
        done = await client.call(kind.method, request, kind.response)
        on_page(len(getattr(done, kind.done)))
        if not done.next_after_letter_id:
            return
        request.after_letter_id = done.next_after_letter_id
