"""Messages to systemd, over the datagram socket that it names in NOTIFY_SOCKET; without one nothing
is sent."""

import os
import socket
import struct
import time


class ServiceManager:
    """sd_notify(3). A message that cannot be sent is dropped: the daemon's work does not depend on
    it."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")

    @property
    def is_there(self) -> bool:
        """True if a service manager waits for messages."""
        return bool(self._address)

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={_line(status)}")

    def waiting(self, text: str, *, seconds: float) -> None:
        """The start takes longer: systemd is to wait for so many seconds from now, whatever the
        unit says."""
        self._send(f"STATUS={_line(text)}\nEXTEND_TIMEOUT_USEC={seconds * 1e6:.0f}")

    def reloading(self) -> None:
        """``ready`` follows. The time is there for newer managers that wait for the reload."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1_000}")

    def status(self, text: str) -> None:
        """The text that ``systemctl status`` shows."""
        self._send(f"STATUS={_line(text)}")

    def stopping(self, *, seconds: float) -> None:
        """The process drains and ends, in so many seconds at most, whatever the unit says."""
        self._send(f"STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC={seconds * 1e6:.0f}")

    def keep(self, listening: socket.socket, name: str) -> None:
        """Keep a copy of the socket for the next process of the unit, which finds it in
        LISTEN_FDS."""
        self._send(f"FDSTORE=1\nFDNAME={name}", listening)

    def drop(self, name: str) -> None:
        """Forget the copies of this name."""
        self._send(f"FDSTOREREMOVE=1\nFDNAME={name}")

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def _send(self, message: str, passed: socket.socket | None = None) -> None:
        if not self._address:
            return
        # A leading @ stands for the abstract namespace's NUL.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            try:
                if passed is None:
                    sender.sendto(message.encode(), address)
                else:
                    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", passed.fileno()))
                    sender.sendmsg([message.encode()], [rights], 0, address)
            except OSError:
                return


def _line(text: str) -> str:
    """A newline would begin another assignment."""
    return " ".join(text.splitlines())


def watchdog_interval() -> float | None:
    """Seconds between two calls of ``alive``: half of the time that systemd waits; None when it
    does not watch this process."""
    pid = os.environ.get("WATCHDOG_PID")
    wait = os.environ.get("WATCHDOG_USEC", "")
    if not wait.isdigit() or int(wait) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(wait) / 2e6
