"""Messages to systemd, over the datagram socket that it names in NOTIFY_SOCKET; without one nothing
is sent."""

import os
import socket
import time


class ServiceManager:
    """sd_notify(3). A message that cannot be sent is dropped: the daemon's work does not depend on
    it."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")

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

    def stopping(self) -> None:
        self._send("STOPPING=1\nSTATUS=draining")

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        # A leading @ stands for the abstract namespace's NUL.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            try:
                sender.sendto(message.encode(), address)
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
