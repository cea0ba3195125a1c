"""The chatd command as a process: its options, what it tells systemd, its end."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chatd.daemon.settings.settings import SECTIONS
from tests import fork_server
from tests.daemons import Daemon, free_port


def chatd(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run chatd to its end."""
    return _run("chatd", *arguments, **environment)


def chatctl(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run chatctl to its end."""
    return _run("chatctl", *arguments, **environment)


def _run(module: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    return fork_server.run(command, env={**os.environ, **environment})


def test_version_and_help() -> None:
    assert chatd("--version").stdout.startswith("chatd 0.")
    shown = chatd("--help")
    assert (shown.returncode, "chatd settings" in shown.stdout) == (0, True)
    nothing = chatd()
    assert (nothing.returncode, "Usage" in nothing.stdout) == (2, True)


def test_check_config(tmp_path: Path) -> None:
    fine = chatd("--check-config", "--json", CHATD_DATA_DIR=str(tmp_path))
    assert json.loads(fine.stdout)["DB_URI"] == {"value": f"sqlite:///{tmp_path}/chatd.db", "from": "default"}
    plain = chatd("gateway", "--check-config", CHATD_DATA_DIR=str(tmp_path))
    assert plain.stdout.splitlines()[0].split() == ["DATA_DIR", str(tmp_path), "environment"]
    alone = chatd("all", "--json", CHATD_DATA_DIR=str(tmp_path))
    assert (alone.returncode, "--check-config" in alone.stderr) == (2, True)
    bad = chatd("all", "--check-config", GATEWAY_URI="tcp://0.0.0.0:1", CHATD_DATA_DIR=str(tmp_path))
    assert bad.returncode == 2
    assert bad.stderr.startswith("chatd: GATEWAY_PUBLIC_URI")
    assert not list(tmp_path.iterdir()), "a check makes nothing"


def test_every_problem_is_a_line_on_stderr() -> None:
    bad = chatd("all", WINDOW_BYTES="1", LOG_LEVEL="loud", NODE_ID="a:b")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert [line.split(":")[1].strip() for line in bad.stderr.splitlines()] == [
        "NODE_ID",
        "WINDOW_BYTES",
        "LOG_LEVEL",
    ]


def test_options_before_the_mode_count(tmp_path: Path) -> None:
    config = tmp_path / "chatd.toml"
    config.write_text("ack_flush_ms = 20\n")
    before = chatd("--config", str(config), "--check-config", "--json", "gateway")
    after = chatd("gateway", "--config", str(config), "--check-config", "--json")
    assert before.stdout == after.stdout
    shown = json.loads(before.stdout)
    assert shown["ACK_FLUSH_MS"] == {"value": "20", "from": str(config)}
    assert shown["DEFAULT_URI"]["value"].startswith("ipc://")


def test_settings_lists_them_all() -> None:
    plain, markdown = chatd("settings").stdout, chatd("settings", "--markdown").stdout
    assert "\nACK_FLUSH_MS\n    Longest time in milliseconds that a gateway gathers acks " in plain
    assert "while nodes answer within 0.9 s. (1 to 10,000 ms) [1000]\n" in plain
    assert markdown.count("\n| `") == sum(len(section.model_fields) for section in SECTIONS.values())


def test_no_database_is_one_line_without_the_password(tmp_path: Path) -> None:
    uri = f"postgresql://u:verysecret@127.0.0.1:{free_port()}/d"
    failed = chatd("default", DB_URI=uri, CHATD_DATA_DIR=str(tmp_path), RUNTIME_DIR=str(tmp_path))
    assert failed.returncode == 1
    assert failed.stderr.startswith("chatd: the database does not answer")
    assert "verysecret" not in failed.stderr
    assert "Traceback" not in failed.stderr


def test_help_is_quick() -> None:
    code = "import sys; from chatd.daemon import cli; print(bool({'zmq', 'peewee', 'pydantic'} & sys.modules.keys()))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "False\n"
    )


def test_an_address_in_use_is_one_line(tmp_path: Path) -> None:
    with Daemon("all", tmp_path) as running:
        second = chatd("all", CHATD_DATA_DIR=str(tmp_path / "second"), GATEWAY_URI=running.uri)
    assert second.returncode == 1, "the address may be free later"
    assert second.stderr.rstrip().splitlines()[-1].startswith(f"chatd: cannot bind {running.uri}")


def test_a_broken_token_file_is_refused_without_showing_tokens(tmp_path: Path) -> None:
    (tmp_path / "tokens.toml").write_text('[tokens.verysecret]\nprofile = "a b"\n')
    refused = chatd("all", CHATD_DATA_DIR=str(tmp_path))
    assert refused.returncode == 2
    assert "token 1" in refused.stderr
    assert "verysecret" not in refused.stderr


def test_the_token_file_is_private(tmp_path: Path) -> None:
    with Daemon("all", tmp_path):
        assert (tmp_path / "tokens.toml").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_systemd_is_told(tmp_path: Path, kind: str) -> None:
    address = str(tmp_path / "notify") if kind == "path" else f"@chatd-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address.replace("@", "\0"))
        systemd.settimeout(10)
        daemon = Daemon("all", tmp_path / "data", {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": 200_000})
        daemon.start(wait=False)
        while not (message := systemd.recv(4096)).startswith(b"READY=1"):
            assert message.startswith((b"STATUS=waiting", b"FDSTORE=1"))
        host, _, port = daemon.uri.removeprefix("tcp://").partition(":")
        socket.create_connection((host, int(port)), timeout=1).close()
        started = time.monotonic()
        heard = [systemd.recv(4096) for _ in range(4)]
        assert heard == [b"WATCHDOG=1"] * 4
        assert time.monotonic() - started < 2
        daemon.process.terminate()  # type: ignore[union-attr]
        while (message := systemd.recv(4096)) == b"WATCHDOG=1":
            pass
        assert message.startswith(b"STOPPING=1")
        assert daemon.stop() == 0


def test_not_ready_while_the_default_node_is_missing(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        gateway = Daemon("gateway", tmp_path, {"NOTIFY_SOCKET": tmp_path / "notify"})
        gateway.start(wait=False)
        systemd.settimeout(20)
        assert systemd.recv(4096).startswith(b"FDSTORE=1")  # its port
        assert systemd.recv(4096) == b"STATUS=waiting: no default node answers\nEXTEND_TIMEOUT_USEC=30000000"
        systemd.settimeout(0.5)
        with pytest.raises(TimeoutError):
            systemd.recv(4096)
        _wait_for_line(gateway, "waits for a default node")
        assert "chatd is ready" not in gateway.log.read_text()
        with Daemon("default", tmp_path):
            systemd.settimeout(10)
            assert systemd.recv(4096).startswith(b"READY=1")
        assert gateway.stop() == 0


def test_a_gateway_that_is_stopped_while_it_waits_was_never_ready(tmp_path: Path) -> None:
    gateway = Daemon("gateway", tmp_path).start(wait=False)
    _wait_for_line(gateway, "waits for a default node")
    assert gateway.stop() == 0
    assert "chatd is ready" not in gateway.log.read_text()


def _wait_for_line(daemon: Daemon, text: str) -> None:
    deadline = time.monotonic() + 20
    while text not in daemon.log.read_text():
        assert time.monotonic() < deadline, daemon.log.read_text()
        time.sleep(0.05)
