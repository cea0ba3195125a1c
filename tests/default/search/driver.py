"""Drives the index and the search of a store, as a node does."""

from typing import Any

from chatd.default.search.index import FindUnindexedRooms, IndexEvents, MakeIndex, ReadUnindexed
from chatd.default.search.model import FoundPage
from chatd.default.search.search import SearchEvents
from chatd.default.search.terms import parse
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from tests.store.driver import Store, event, send
from tests.store.release import payload


def say(store: Store, room: str, *texts: str, sender: str = "alice") -> None:
    """Events that say so, each once in a test."""
    store.do(send(sender, *(event(room, f"{room} {hash(text)}", payload(text)) for text in texts)))


def index(store: Store, limit: int = 200) -> None:
    """Bring the index up to date."""
    store.do(MakeIndex())
    rooms, _ = store.ask(FindUnindexedRooms("", 1_000))
    while rooms:
        part = store.ask(ReadUnindexed(rooms, limit))
        assert store.do(IndexEvents(part))
        rooms = part.more


def search(store: Store, profile: str, query: str, **given: Any) -> FoundPage:
    return store.ask(SearchEvents(parse(query), profile, given.pop("operator", False), **given))


def texts(page: FoundPage) -> list[str]:
    found = [EventDelivery.FromString(one.delivery) for one in page.found]
    return [one.payload.fields["text"].string_value for one in found]


def found(store: Store, profile: str, query: str, **given: Any) -> list[str]:
    return texts(search(store, profile, query, **given))
