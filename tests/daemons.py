"""Starts real chatd processes for tests, the demo and benchmarks: own folder, free ports, ended by
their own process ids."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self


def free_port() -> int:
    """A TCP port of loopback that nobody else will have for as long as this process lives, also
    while whoever uses it is being restarted.

    It stays bound here, without listening: others find it taken, and whoever sets SO_REUSEADDR, as
    ZeroMQ does, may listen on it. Not from the range the kernel takes for outgoing connections:
    whoever tries again and again to reach a killed process would one day get its port himself.
    """
    while True:
        port = random.SystemRandom().randint(10_000, 30_000)
        probe = socket.socket()
        try:
            probe.bind(("127.0.0.1", port))  # without SO_REUSEADDR: it must be really free
        except OSError:
            probe.close()
            continue
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.detach()
        return port


class Daemon:
    """One chatd process. ``folder`` holds its data and its log. ``module`` is what is run: chatd,
    or chatd with something done to it."""

    popen: type[subprocess.Popen[bytes]] = subprocess.Popen
    """In tests that of the fork server (conftest.py)."""

    def __init__(
        self,
        mode: str,
        folder: Path,
        settings: Mapping[str, object] | None = None,
        *,
        name: str = "",
        module: str = "chatd",
    ) -> None:
        self.mode = mode
        self.module = module
        self.folder = folder
        self.log = folder / f"{name or mode}.log"
        self.uri = f"tcp://127.0.0.1:{free_port()}"
        given = {
            "CHATD_DATA_DIR": folder,
            "GATEWAY_URI": self.uri,
            "HTTP_URI": "off",
            "NODE_ID": name or mode,
            **(settings or {}),
        }
        self.settings = {key: str(value) for key, value in given.items()}
        self.prefix: Sequence[str] = ()
        """Stands before the command, and becomes it."""
        self.process: subprocess.Popen[bytes] | None = None
        self.armed = False
        """Whether a failpoint waits in it (tests/chaos)."""

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self, *, wait: bool = True) -> Self:
        """Start; with ``wait`` return when it is ready. Raises RuntimeError with its log if it does
        not get there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        offset = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            environment = {**os.environ, **self.settings}
            self.process = self.popen(
                [*self.prefix, sys.executable, "-m", self.module, self.mode],
                stdout=log,
                stderr=log,
                env=environment,
            )
        deadline = time.monotonic() + 60
        while wait:
            text = self.log.read_bytes()[offset:]
            if b"chatd is ready" in text:
                break
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"chatd {self.mode} did not start:\n{text.decode(errors='replace')}")
            time.sleep(0.01)
        return self

    @property
    def public_uri(self) -> str:
        """The address that devices use, as its last start said."""
        ready = [line for line in self.log.read_text().splitlines() if "chatd is ready" in line]
        return str(json.loads(ready[-1])["gateway"])

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM, and wait for a clean end; the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=20)
        self.process = None
        return code

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def operator_token(folder: Path) -> str:
    """The token that the first gateway of ``folder`` made."""
    tokens: dict[str, object] = tomllib.loads((folder / "tokens.toml").read_text())["tokens"]
    return next(iter(tokens))
