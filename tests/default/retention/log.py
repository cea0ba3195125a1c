"""A room's log to be cut, and how it is cut."""

from chatd.default.retention.cuts import FindCuts
from chatd.default.retention.model import Purged
from chatd.default.retention.store import PurgeLog
from tests.store.driver import Store, event, send

HELLO = b"\n\x0f\n\x04text\x12\x07\x1a\x05hello"
"""The encoded Struct {"text": "hello"}."""


def fill(store: Store, count: int = 10) -> None:
    """Events 2 to count + 1 of room r, published."""
    store.do(send("alice", *(event("r", f"e{number}", HELLO) for number in range(2, count + 2))))
    store.publish()


def cuts(store: Store, **limits: int) -> dict[str, int]:
    """Room → the seq up to which its log may be cut; a limit that is not given is none."""
    names = ("keep_events", "keep_since_us", "backlog_events", "backlog_since_us", "forget_before_us")
    found, after = store.ask(
        FindCuts(
            **{name: limits.get(name, 0) for name in names},
            after_room_id="",
            limit=100,
            now_us=limits.get("now_us", 0),
        )
    )
    assert after == ""
    return {cut.room_id: cut.up_to for cut in found}


def purge(
    store: Store, up_to: int, *, limit: int = 100, before_us: int = 0, forget_before_us: int = 0
) -> Purged:
    """Purge room r."""
    purged = store.do(PurgeLog("r", up_to, before_us, limit, forget_before_us))
    assert isinstance(purged, Purged)
    return purged
