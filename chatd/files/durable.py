"""Files that are there whole or not at all, also after a power cut: their content is on the disk
before their name, and then their name is.

Everything that chatd writes beside the database goes this way.
"""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_file(path: Path, content: str) -> None:
    """Make the file, or replace it, readable for its owner only. Raises OSError; then the old file
    is unharmed."""
    with _written(path, content) as temporary:
        temporary.replace(path)


def replace_file(path: Path, content: str) -> None:
    """Replace a file, which keeps its owner and its permissions. Raises OSError; then the old file
    is unharmed."""
    before = path.stat()
    with _written(path, content) as temporary:
        now = temporary.stat()
        if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
            os.chown(temporary, before.st_uid, before.st_gid)
        temporary.chmod(stat.S_IMODE(before.st_mode))
        temporary.replace(path)


def write_new_file(path: Path, content: str) -> bool:
    """Make the file unless there is one; of several processes that try at once, one does. False:
    there is one. Raises OSError."""
    try:
        with _written(path, content) as temporary:
            os.link(temporary, path)
    except FileExistsError:
        return False
    return True


def make_folder(path: Path) -> None:
    """Make the folder, for its owner only, and those above it. Raises OSError."""
    missing = []
    while not path.exists():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(path: Path) -> None:
    """Return when the names in the folder are on the disk. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _written(path: Path, content: str) -> Iterator[Path]:
    """The content on the disk under another name, which is gone afterwards. The rename to its own
    name is synced, too."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
        sync_folder(path.parent)
