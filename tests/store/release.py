"""A database as a release left it. `python -m tests.store.release` writes the present release's
file, once, when it is released; until then again whenever the first migration changes."""

import gzip
import sqlite3
import tempfile
from pathlib import Path

from google.protobuf.struct_pb2 import Struct, Value

from chatd import __version__
from chatd.default.notifications.push import SetPush
from chatd.default.receipts.store import SetReadMarker
from chatd.default.rooms.membership import RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.store.database import Database
from tests.store.driver import MANY, Store, acks, event, failed, send

FOLDER = Path(__file__).parent / "releases"


def stored() -> list[Path]:
    """The databases of all releases."""
    return sorted(FOLDER.glob("*.db.gz"))


def unpack(release: Path, path: Path) -> str:
    """A copy of a release's database at ``path``; its URI."""
    path.write_bytes(gzip.decompress(release.read_bytes()))
    return f"sqlite:///{path}"


def payload(text: str) -> bytes:
    """An encoded payload that says so."""
    return Struct(fields={"text": Value(string_value=text)}).SerializeToString(deterministic=True)


def fill(uri: str) -> None:
    """Something of everything: rooms, members that came and went, events, cursors, a failure, a
    notification, a read marker."""
    Database(uri).migrate()
    store = Store(uri)
    store.do(CreateRoom("r", "Room", "alice", ("bob", "carol")))
    store.open("alice", "laptop")
    bob = store.open("bob", "phone")
    store.do(SetPush("bob", "phone", "webhook", "https://example.org/bob", "", "", MANY))
    for number in range(10):
        store.do(send("alice", event("r", f"e{number}", payload(f"line {number}"))))
    store.do(RemoveSubscriptions("r", ("carol",), "alice", False))
    store.do(acks((bob, {"r": 5})))
    store.do(failed(bob, "r", 6))
    store.do(SetReadMarker("bob", "r", 4, "phone"))
    store.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chatd.db"
        fill(f"sqlite:///{path}")
        compact = Path(folder) / "compact.db"
        connection = sqlite3.connect(path)
        connection.execute("VACUUM INTO ?", (str(compact),))
        connection.close()
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{__version__}.db.gz").write_bytes(gzip.compress(compact.read_bytes(), mtime=0))


if __name__ == "__main__":
    main()
