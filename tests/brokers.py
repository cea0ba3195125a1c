"""Brokers for tests, from the installed Debian packages: each in a temporary folder, on a free port
of loopback, ended by its own process id. Nothing is kept: one that is started again is empty."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.daemons import free_port

PROGRAMS = {"redis": "redis-server", "nats": "nats-server"}


def find(kind: str) -> str | None:
    """The program of a kind of broker; None if it is not installed."""
    return shutil.which(PROGRAMS[kind]) or shutil.which(PROGRAMS[kind], path="/usr/sbin")


def how_to_install(kind: str) -> str:
    return f"{PROGRAMS[kind]} is not installed: apt-get install {PROGRAMS[kind]}"


class BrokerProcess:
    """``arguments`` are more of the program's own; the last may be ``--tls-port``, without the
    port. With a ``password`` it asks for it, of the user ``chatd``."""

    def __init__(self, kind: str, folder: Path, *arguments: str, password: str = "") -> None:
        self.kind = kind
        self.port = free_port()
        self._folder = folder
        self._arguments = arguments
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"{self.kind}://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Return when it takes connections."""
        program = find(self.kind)
        assert program is not None, how_to_install(self.kind)
        log = self._folder / f"{self.kind}-{self.port}.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [program, *self._options()], stdout=output, stderr=output, cwd=self._folder
            )
        deadline = time.monotonic() + 20
        while True:
            assert self._process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.005)
            else:
                return

    def _options(self) -> Sequence[str]:
        if self.kind == "redis":
            plain = "--tls-port" not in self._arguments
            access = ["--user", *f"chatd on >{self._password} ~* &* +@all --user default off".split()]
            access = access if self._password else []
            bound = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", *access, *self._arguments)
            return (*bound, *(("--port", str(self.port)) if plain else (str(self.port),)))
        access = ["--user", "chatd", "--pass", self._password] if self._password else []
        return ("-a", "127.0.0.1", "-p", str(self.port), *access, *self._arguments)

    def stop(self) -> None:
        """End it at once, with all that it holds."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> "BrokerProcess":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@contextmanager
def broker(kind: str, folder: Path, *arguments: str, password: str = "") -> Iterator[BrokerProcess]:
    """A running broker, or a skip; in CI a failure."""
    if find(kind) is None:
        if os.environ.get("CI"):
            pytest.fail(how_to_install(kind))
        pytest.skip(how_to_install(kind))
    with BrokerProcess(kind, folder, *arguments, password=password) as running:
        yield running
