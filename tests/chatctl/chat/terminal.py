"""A program in a terminal of its own, 80 cells wide."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence

SECONDS = 20.0
_CONTROL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


class Terminal:
    """``shown``: everything that the program has written, control sequences and all; ``text``
    without them."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.set_blocking(self._ours, False)
        self.shown = ""
        self._process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | dict(environment)
        )
        os.close(theirs)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    @property
    def text(self) -> str:
        return _CONTROL.sub("", self.shown)

    def types(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def _read(self) -> None:
        try:
            self.shown += os.read(self._ours, 65_536).decode(errors="replace")
        except BlockingIOError:
            time.sleep(0.01)
        except OSError:  # the program has ended
            time.sleep(0.01)

    def wait_for(self, text: str) -> None:
        """Read until the program has written this."""
        end = time.monotonic() + SECONDS
        while text not in self.text:
            assert time.monotonic() < end, self.text
            self._read()

    def ends(self) -> int:
        """Wait for the end; the exit code."""
        end = time.monotonic() + SECONDS
        while self._process.poll() is None:
            assert time.monotonic() < end, self.text
            self._read()
        self._read()
        return self._process.returncode
