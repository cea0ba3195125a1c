"""A start that fails for now is tried again under a service manager, and nowhere else."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from chatd.daemon.attempts import PAUSES, try_to_start
from chatd.daemon.systemd import ServiceManager
from chatd.errors import ChatdError, ConfigError, StartFailed
from tests.daemons import Daemon


def failing(*errors: ChatdError) -> Callable[[], int]:
    """A start that raises these, one a try, and then works."""
    left = list(errors)

    def start() -> int:
        if left:
            raise left.pop(0)
        return 0

    return start


@pytest.fixture
def managed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServiceManager:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    return ServiceManager()


def test_it_is_tried_ever_more_rarely(managed: ServiceManager, capsys: pytest.CaptureFixture[str]) -> None:
    slept: list[float] = []
    away, used = StartFailed("the database is away"), StartFailed("the port is used")
    assert try_to_start(failing(away, away, used), managed, sleep=slept.append) == 0
    assert slept == [1.0, 2.0, 4.0]
    assert capsys.readouterr().err == "chatd: the database is away\nchatd: the port is used\n"


def test_it_is_given_up(managed: ServiceManager) -> None:
    slept: list[float] = []
    with pytest.raises(StartFailed):
        try_to_start(failing(*[StartFailed("x")] * 9), managed, sleep=slept.append)
    assert slept == list(PAUSES)


@pytest.mark.parametrize("error", [ConfigError("wrong"), StartFailed("used")])
def test_it_is_not_tried_again(error: ChatdError, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    with pytest.raises(type(error)):
        try_to_start(failing(error), ServiceManager(), sleep=lambda seconds: pytest.fail("it slept"))


def test_wrong_settings_are_not_tried_again(managed: ServiceManager) -> None:
    with pytest.raises(ConfigError):
        try_to_start(failing(ConfigError("x")), managed, sleep=lambda seconds: pytest.fail("it slept"))


def test_a_port_that_becomes_free(tmp_path: Path) -> None:
    """A whole process: what the first try had opened is closed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd, socket.socket() as holder:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        uri = f"tcp://127.0.0.1:{holder.getsockname()[1]}"
        settings = {"NOTIFY_SOCKET": tmp_path / "notify", "GATEWAY_URI": uri}
        daemon = Daemon("all", tmp_path / "data", settings).start(wait=False)
        try:
            said = systemd.recv(4096).decode()
            problem = f"cannot bind {uri}: Address already in use"
            assert said == f"STATUS=cannot start, next try in 1 s: {problem}\nEXTEND_TIMEOUT_USEC=61000000"
            holder.close()
            while not systemd.recv(4096).startswith(b"READY=1"):
                pass
            assert daemon.log.read_text().splitlines().count(f"chatd: {problem}") == 1
        finally:
            assert daemon.stop() == 0
