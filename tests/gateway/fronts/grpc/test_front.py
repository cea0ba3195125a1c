"""The front as a whole: statuses, settings, TLS, metrics, the end."""

import re
import subprocess
import sys
import time
from pathlib import Path

import grpc
import pytest

from chatd.errors import WIRE_ERRORS
from chatd.gateway.fronts.grpc.statuses import STATUSES
from tests.certificates import Authority
from tests.daemon.metrics.scraping import metrics_uri, value
from tests.daemon.test_process import chatd
from tests.gateway.fronts.grpc.serving import SECONDS, Caller, GrpcDaemon, Stream, error_of
from tests.gateway.fronts.grpc.test_streams import device


def test_every_error_has_a_status() -> None:
    assert STATUSES.keys() == WIRE_ERRORS.keys()
    page = Path("proto/GRPC.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d{3}) \| ([A-Z_]+) \| ([A-Z_]+) \|$", page, re.MULTILINE)
    assert {(int(code), name, status) for code, name, status in rows} == {
        (code, WIRE_ERRORS[code].name, status.name) for code, status in STATUSES.items()
    }


def test_a_user_who_is_too_quick_is_told_when(tmp_path: Path) -> None:
    settings = {"PROFILE_EVENTS_PER_SECOND": 1, "RATE_BURST_SECONDS": 1}
    with GrpcDaemon(tmp_path, settings) as daemon, daemon.channel() as channel:
        ann = Caller(channel, "ann")
        answers = [ann.future("ListUnread").exception(SECONDS) for _ in range(4)]
    late = [error_of(one) for one in answers if one is not None]
    assert late[0].name == "RATE_LIMITED"
    assert late[0].retry_after_ms > 0


def test_a_proxy_that_is_trusted_says_whose_calls_it_brings(tmp_path: Path) -> None:
    said = "6.6.6.6, 203.0.113.7, 127.0.0.9"
    for trusted in ("127.0.0.0/8", ""):
        settings = {"HTTP_TRUSTED_PROXIES": trusted, "MAX_TOKEN_FAILURES": 1}
        with GrpcDaemon(tmp_path, settings) as daemon, daemon.channel() as channel:
            assert Caller(channel, "eve", x_forwarded_for=said).future("ListUnread").exception(SECONDS)
            assert (
                Caller(channel, "ann", x_forwarded_for=said).future("ListUnread").exception(SECONDS) is None
            )
        log = daemon.log.read_text()
        assert "6.6.6.6" not in log, "what the client says itself counts for nothing"
        assert ('"address": "203.0.113.7"' in log) is bool(trusted)
        daemon.log.unlink()


def test_who_guesses_tokens_is_hung_up_on_and_counted_no_more(tmp_path: Path) -> None:
    settings = {"MAX_TOKEN_FAILURES": 1, "HANDSHAKE_TIMEOUT_MS": 800, **metrics_uri()}
    with GrpcDaemon(tmp_path, settings) as daemon, daemon.channel() as channel:
        eve = Caller(channel, "eve")
        until = time.monotonic() + SECONDS
        while (value(daemon, "chatd_connections_hung_up_total") or 0) < 4:
            assert eve.future("ListUnread").exception(SECONDS) is not None
            assert time.monotonic() < until
        assert (value(daemon, "chatd_connections", front="grpc") or 0) <= 2


def test_tls_and_another_certificate_at_sighup(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path, "authority"), Authority(tmp_path, "other")
    cert, key = authority.issue("server", "localhost")
    files = {"HTTP_TLS_CERT_FILE": cert, "HTTP_TLS_KEY_FILE": key}
    with GrpcDaemon(tmp_path / "data", files, scheme="https") as daemon:
        assert ask(daemon, authority)
        with daemon.channel() as plain, pytest.raises(grpc.RpcError):
            Caller(plain, "ann").call("ListUnread")
        other.issue("server", "localhost")
        daemon.process.send_signal(1)  # type: ignore[union-attr]
        until = time.monotonic() + SECONDS
        while not ask(daemon, other):
            assert time.monotonic() < until
        assert not ask(daemon, authority)


def ask(daemon: GrpcDaemon, authority: Authority) -> bool:
    """False: the daemon's certificate is none of this authority's."""
    trusting = grpc.ssl_channel_credentials(authority.root.read_bytes())
    options = (("grpc.use_local_subchannel_pool", 1),)
    with grpc.secure_channel(daemon.address.replace("127.0.0.1", "localhost"), trusting, options) as channel:
        try:
            Caller(channel, "ann").call("ListUnread")
        except grpc.RpcError as exc:
            if exc.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            return False
    return True


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"GRPC_URI": "http://0.0.0.0:7481"}, "GRPC_URI: 'http://0.0.0.0:7481': others can reach it"),
        ({"GRPC_URI": "https://0.0.0.0:7481"}, "HTTP_TLS_CERT_FILE: https:// needs it"),
        ({"GRPC_URI": "http://u:secret@h:1"}, "GRPC_URI: "),
        ({"GRPC_URI": "tcp://127.0.0.1:1"}, "GRPC_URI: "),
    ],
)
def test_settings_that_can_never_work(settings: dict[str, str], said: str, tmp_path: Path) -> None:
    done = chatd("gateway", "--check-config", CHATD_DATA_DIR=str(tmp_path), **settings)
    assert done.returncode == 2
    assert said in done.stderr
    assert "secret" not in done.stderr


def test_without_the_library_the_extra_is_named(tmp_path: Path) -> None:
    (tmp_path / "grpc.py").write_text("raise ModuleNotFoundError('none', name='grpc')")
    daemon = GrpcDaemon(tmp_path / "data", {"PYTHONPATH": tmp_path})
    daemon.popen = subprocess.Popen
    with pytest.raises(RuntimeError, match=r"GRPC_URI needs the extra grpc, .*: pip install 'chatd\[grpc\]'"):
        daemon.start()
    assert daemon.stop() == 2


def test_an_address_that_another_has(tmp_path: Path, daemon: GrpcDaemon) -> None:
    late = GrpcDaemon(tmp_path, {"GRPC_URI": f"http://{daemon.address}"})
    with pytest.raises(RuntimeError, match="cannot bind"):
        late.start()
    assert late.stop() == 1


def test_nothing_is_imported_where_it_is_off() -> None:
    code = "import sys, chatd.daemon.run, chatd.daemon.gateway_fronts; print('grpc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_what_is_no_grpc_is_not_logged(daemon: GrpcDaemon) -> None:
    import socket

    host, _, port = daemon.address.partition(":")
    with socket.create_connection((host, int(port)), timeout=SECONDS) as peer:
        peer.sendall(b"\x1b]0;evil\x07 / HTTP/9.9\r\n\r\n" + b"y" * 100)
        while peer.recv(65_536):
            pass
    assert b"evil" not in daemon.log.read_bytes()


def test_streams_are_sent_away_and_calls_answered_at_the_end(tmp_path: Path) -> None:
    with GrpcDaemon(tmp_path) as daemon, daemon.channel() as channel, Stream(channel) as stream:
        stream.hello("ann", device())
        ann = Caller(channel, "ann")
        asked = [ann.future("ListUnread") for _ in range(20)]
        asked[0].result(SECONDS)
        daemon.process.terminate()  # type: ignore[union-attr]
        refused = [one.exception(SECONDS) for one in asked]
        codes = {one.code() for one in refused if one is not None}
        assert codes <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}  # by gRPC itself, unheard
        last = stream.rest()
        assert last is not None
        assert error_of(last).name == "DRAINING"
        assert daemon.stop() == 0
        assert "Traceback" not in daemon.log.read_text()
