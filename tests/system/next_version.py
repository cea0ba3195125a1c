"""chatd as its next version may be: it speaks a protocol more, besides this one's, and has a
migration more. ``python -m tests.system.next_version MODE`` runs it."""

import atexit
import shutil
import tempfile
from pathlib import Path

import chatd
from chatd.core import node_protocol
from chatd.store import migration

VERSION = "0.2.0"
MIGRATION = """
def up(migrator, db):
    db.execute_sql("ALTER TABLE room ADD COLUMN colour TEXT")
    db.execute_sql("CREATE TABLE room_colour (room_id TEXT PRIMARY KEY, colour TEXT NOT NULL)")
"""


def become_it() -> None:
    """Before anything else of chatd is imported."""
    chatd.__version__ = VERSION
    node_protocol.OLDEST = node_protocol.NUMBER
    node_protocol.NUMBER += 1
    folder = Path(tempfile.mkdtemp(prefix="chatd-next-"))
    atexit.register(shutil.rmtree, folder)
    for path in Path(migration._FOLDER).glob("*.py"):
        shutil.copy(path, folder)
    (folder / "0002_colours.py").write_text(MIGRATION)
    migration._FOLDER = str(folder)


if __name__ == "__main__":
    become_it()
    from chatd.daemon.cli import main

    main()
