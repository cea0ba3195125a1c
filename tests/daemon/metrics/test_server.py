"""Metrics and health over HTTP."""

import json
import os
import signal
import socket
import urllib.error
from pathlib import Path

import pytest

from chatd.daemon.metrics.server import MAX_CONNECTIONS
from tests.daemon.metrics.scraping import get, metrics_uri, readiness, samples, until, value
from tests.daemon.test_process import chatd
from tests.daemons import Daemon, free_port


def test_pages(tmp_path: Path) -> None:
    with Daemon("all", tmp_path, metrics_uri()) as daemon:
        status, kind, text = get(daemon, "/metrics")
        assert (status, kind.partition(";")[0]) == (200, "text/plain")
        assert b"# TYPE chatd_commits_total counter" in text
        assert get(daemon, "/metrics", Accept="application/openmetrics-text")[1].startswith(
            "application/openmetrics-text"
        )
        status, kind, text = get(daemon, "/healthz")
        assert (status, kind.partition(";")[0], json.loads(text)) == (
            200,
            "application/json",
            {"healthy": True},
        )
        assert readiness(daemon) == (200, [])
        assert get(daemon, "/readyz", method="HEAD")[0::2] == (200, b"")
        assert get(daemon, "/metrics", method="POST")[0] == 405
        for path in ("/", "/metrics/", "/metrics/../healthz", "/%2e%2e/etc/passwd"):
            assert get(daemon, path)[0] == 404
        about = {dict(labels)["mode"] for (name, labels) in samples(daemon) if name == "chatd_info"}
        assert about == {"all"}


def test_no_secret_is_shown(tmp_path: Path) -> None:
    with Daemon("all", tmp_path, metrics_uri()) as daemon:
        tokens = (tmp_path / "tokens.toml").read_text().split('"')[1::2]
        shown = b"".join(get(daemon, path)[2] for path in ("/metrics", "/healthz", "/readyz")).decode()
        assert tokens
        assert not [secret for secret in (*tokens, str(tmp_path)) if len(secret) > 8 and secret in shown]


def test_nothing_listens_unless_told(tmp_path: Path) -> None:
    with Daemon("default", tmp_path) as daemon:
        sockets = {os.readlink(path) for path in Path(f"/proc/{daemon.pid}/fd").iterdir()}
        listening = [
            line.split()[9]
            for table in ("tcp", "tcp6")
            for line in Path(f"/proc/{daemon.pid}/net/{table}").read_text().splitlines()[1:]
            if line.split()[3] == "0A"
        ]
        assert not [inode for inode in listening if f"socket:[{inode}]" in sockets]


def test_a_loop_that_hangs_does_not_answer(tmp_path: Path) -> None:
    with Daemon("all", tmp_path, metrics_uri()) as daemon:
        os.kill(daemon.pid, signal.SIGSTOP)
        try:
            host, _, port = daemon.settings["METRICS_URI"].removeprefix("http://").partition(":")
            with socket.create_connection((host, int(port)), timeout=1) as asking:
                asking.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                with pytest.raises(TimeoutError):
                    asking.recv(1)
        finally:
            os.kill(daemon.pid, signal.SIGCONT)
        assert get(daemon, "/healthz")[0] == 200


def test_connections_are_bounded(tmp_path: Path) -> None:
    with Daemon("all", tmp_path, metrics_uri()) as daemon:
        host, _, port = daemon.settings["METRICS_URI"].removeprefix("http://").partition(":")
        silent = [socket.create_connection((host, int(port)), timeout=5) for _ in range(MAX_CONNECTIONS)]
        assert get(daemon, "/healthz")[0] == 200
        assert silent[0].recv(1) == b"", "the oldest made room"
        silent[-1].sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert silent[-1].recv(12) == b"HTTP/1.0 200"
        for one in silent:
            one.close()


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        failed = chatd(
            "default",
            CHATD_DATA_DIR=str(tmp_path),
            RUNTIME_DIR=str(tmp_path),
            METRICS_URI=f"http://127.0.0.1:{port}",
        )
    assert failed.returncode == 1, "the port may be free later"
    last = failed.stderr.rstrip().splitlines()[-1]
    assert last.startswith(f"chatd: cannot bind METRICS_URI, 127.0.0.1 port {port}")


def test_an_address_beyond_this_machine_is_warned_of(tmp_path: Path) -> None:
    port = free_port()
    with Daemon("default", tmp_path, {"METRICS_URI": f"http://0.0.0.0:{port}"}) as daemon:
        daemon.settings["METRICS_URI"] = f"http://127.0.0.1:{port}"
        assert value(daemon, "process_max_fds")
        assert "unencrypted" in daemon.log.read_text()
    with Daemon("default", tmp_path, metrics_uri()) as daemon:
        pass
    assert daemon.log.read_text().count("unencrypted") == 1


def test_it_ends_with_the_process(tmp_path: Path) -> None:
    with Daemon("all", tmp_path, metrics_uri()) as daemon:
        host, _, port = daemon.settings["METRICS_URI"].removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=20) as idle:
            idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert idle.recv(12) == b"HTTP/1.1 200"
            assert daemon.stop() == 0
            while idle.recv(4096):
                pass
        with pytest.raises(urllib.error.URLError):
            get(daemon, "/healthz")
    assert "Traceback" not in daemon.log.read_text()


def test_a_scrape_shows_the_process(tmp_path: Path) -> None:
    with Daemon("all", tmp_path, metrics_uri()) as daemon:
        first = value(daemon, "process_cpu_seconds_total")
        assert first
        until(lambda: (value(daemon, "process_cpu_seconds_total") or 0) > first)
        assert 20e6 < (value(daemon, "process_resident_memory_bytes") or 0) < 500e6
