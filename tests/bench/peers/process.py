"""A peer's server as a process: started, waited for, ended."""

import socket
import subprocess
import time
from collections.abc import Sequence


class Server:
    """``command`` is to listen on ``port`` of loopback. Raises FileNotFoundError when it is not
    installed."""

    def __init__(self, command: Sequence[str], port: int) -> None:
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self._process.pid
        wait_for_port(port)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)


def wait_for_port(port: int, seconds: float = 60.0) -> None:
    """Until somebody listens. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > end:
            raise TimeoutError(f"nobody listens on port {port}")
        time.sleep(0.05)
