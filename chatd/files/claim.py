"""Claims: places that only one process may use, each beside a lock file that the kernel lets go
when its holder ends, however it ends.

The lock file stays: a new one would be another lock.
"""

import fcntl
import os
import secrets
import socket
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from chatd.errors import StartFailed, os_error
from chatd.files.durable import make_folder
from chatd.text import one_line

MAX_HOLDER = 200
"""Characters shown of what a lock file says about its holder."""


class Claim:
    """``path`` is the lock file, made if missing, and its folder too. ``holder`` describes this
    process. Raises StartFailed if another process holds the claim, with its description."""

    def __init__(self, path: Path, what: str, holder: str) -> None:
        try:
            make_folder(path.parent)
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise os_error(f"{what}: {path} cannot be opened", exc) from exc
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            by = self._read()[1]
            os.close(self._handle)
            if isinstance(exc, BlockingIOError):
                raise StartFailed(f"{what} is in use by {by or 'another process'}") from exc
            raise os_error(f"{what}: {path} cannot be locked", exc) from exc
        name = self._read()[0] or secrets.token_hex(8)
        self._write(name, holder)
        status = os.fstat(self._handle)
        origin = f"{name} {status.st_dev} {status.st_ino} {socket.gethostname()}"
        self.place = sha256(origin.encode()).hexdigest()[:16]
        """A name that stays the same for all holders of this claim, one after the other. A copy of
        the lock file has another."""

    def _read(self) -> tuple[str, str]:
        """The place's own part of its name, and its holder."""
        lines = os.pread(self._handle, 4096, 0).decode(errors="backslashreplace").splitlines()
        name, holder, *_ = [*lines, "", ""]
        return name[:64], one_line(holder[:MAX_HOLDER])

    def _write(self, name: str, holder: str) -> None:
        content = f"{name}\n{holder}\n".encode()
        os.pwrite(self._handle, content, 0)
        os.ftruncate(self._handle, len(content))

    def release(self) -> None:
        """Let the place go. Once only."""
        os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
