"""The HTTP front's door: authentication, limits, TLS, proxies, browsers, the end."""

import asyncio
import re
import socket
import ssl
from pathlib import Path

import pytest
from aiohttp import ClientConnectionError, ClientSession

from chatd.errors import WIRE_ERRORS
from chatd.gateway.fronts.http.statuses import STATUSES
from chatd.gateway.newcomers import FEWEST
from tests.certificates import Authority
from tests.daemon.test_process import chatd
from tests.gateway.fronts.http.serving import Caller, HttpDaemon


def raw(daemon: HttpDaemon, *parts: bytes, seconds: float = 20.0) -> bytes:
    """Everything that is answered to these bytes until the connection ends."""
    host, port = re.fullmatch(r"https?://(.*):(\d+)", daemon.url).groups()  # type: ignore[union-attr]
    heard = b""
    with socket.create_connection((host, int(port)), timeout=seconds) as peer:
        for part in parts:
            peer.sendall(part)
        while data := peer.recv(65_536):
            heard += data
    return heard


def test_every_error_has_a_status() -> None:
    assert STATUSES.keys() == WIRE_ERRORS.keys()
    page = Path("proto/HTTP.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d{3}) \| ([A-Z_]+) \| (\d{3}) \|$", page, re.MULTILINE)
    assert {(int(code), name, int(status)) for code, name, status in rows} == {
        (code, WIRE_ERRORS[code].name, status) for code, status in STATUSES.items()
    }


async def test_nobody_is_heard_without_a_good_token(daemon: HttpDaemon) -> None:
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer "}):
        async with Caller(daemon.url, **headers) as nobody:
            answer = await nobody.get("/v1/unread")
            assert (answer.status, answer.json["name"]) == (401, "UNAUTHENTICATED")
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    async with Caller(daemon.url, "eve") as eve:
        assert (await eve.get("/v1/unread")).status == 401


async def test_who_guesses_tokens_is_hung_up_on(daemon: HttpDaemon) -> None:
    async with Caller(daemon.url, "eve") as eve:
        async with asyncio.timeout(20):
            while '"wrong_tokens": ' not in daemon.log.read_text():
                assert (await eve.get("/v1/unread")).status == 401
                await asyncio.sleep(0.005)  # more at once are a flood, whose connection ends untold


def test_who_says_nothing_is_hung_up_on(tmp_path: Path) -> None:
    with HttpDaemon(tmp_path, {"HANDSHAKE_TIMEOUT_MS": 300}) as daemon:
        for said in (
            b"",
            b"GET /v1/unread HTTP/1.1\r\nX: ",
            b"POST /v1/rooms/r/events HTTP/1.1\r\nHost: x\r\n",
        ):
            assert raw(daemon, said) == b""


def test_what_is_no_http_is_refused_and_quoted_nowhere(daemon: HttpDaemon) -> None:
    said = b"\x1b]0;evil\x07 / HTTP/9.9\r\n\r\n"
    assert re.match(rb"HTTP/1.[01] 400 ", raw(daemon, said))
    long = b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"
    assert re.match(rb"HTTP/1.[01] 400 ", raw(daemon, long))
    assert b"evil" not in daemon.log.read_bytes()


async def test_bodies_are_bounded(daemon: HttpDaemon) -> None:
    async with Caller(daemon.url, "ann") as ann:
        large = b'{"text": "' + b"x" * 262_144 + b'"}'
        for data in (large, iter_of(large)):
            answer = await ann.ask("POST", "/v1/rooms/r/events", data=data)
            assert (answer.status, answer.json["name"]) == (413, "FRAME_TOO_LARGE")
        packed = await ann.ask(
            "POST", "/v1/rooms/r/events", data=b"\x1f\x8b", headers={"Content-Encoding": "gzip"}
        )
        assert (packed.status, packed.json["name"]) == (400, "INVALID_ARGUMENT")


async def iter_of(data: bytes) -> "asyncio.AsyncIterator[bytes]":  # type: ignore[name-defined]
    for at in range(0, len(data), 8_192):
        yield data[at : at + 8_192]


async def test_a_user_who_is_too_quick_is_told_when(tmp_path: Path) -> None:
    with HttpDaemon(tmp_path, {"PROFILE_EVENTS_PER_SECOND": 1, "RATE_BURST_SECONDS": 1}) as daemon:
        async with Caller(daemon.url, "ann") as ann:
            await ann.call("CreateRoom", room_id="r")
            answers = [
                await ann.ask("POST", "/v1/rooms/r/events", json={"text": str(number)}) for number in range(4)
            ]
    late = [answer for answer in answers if answer.status == 429]
    assert late
    assert late[0].json["name"] == "RATE_LIMITED"
    assert late[0].json["retry_after_ms"] > 0
    assert int(late[0].headers["Retry-After"]) >= 1


async def test_a_proxy_that_is_trusted_says_whose_requests_it_brings(tmp_path: Path) -> None:
    settings = {"HTTP_TRUSTED_PROXIES": "127.0.0.0/8", "MAX_TOKEN_FAILURES": 1}
    with HttpDaemon(tmp_path, settings) as daemon:
        async with Caller(daemon.url, **{"X-Forwarded-For": "6.6.6.6, 203.0.113.7, 127.0.0.9"}) as proxy:
            for user, status in (("eve", 401), ("ann", 200)):
                headers = {"Authorization": f"Bearer token-of-{user}"}
                assert (await proxy.get("/v1/unread", headers=headers)).status == status
            many = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "198.51.100.4")]
            given = [*many, ("Authorization", "Bearer token-of-eve")]
            async with (
                ClientSession(daemon.url) as session,
                session.get("/v1/unread", headers=given) as answer,
            ):
                assert answer.status == 401
        said = daemon.log.read_text()
        assert '"address": "203.0.113.7"' in said
        assert '"address": "198.51.100.4"' in said, "the header that the proxy added is the last"
        assert "6.6.6.6" not in said, "what the client says itself counts for nothing"


async def test_calls_through_a_proxy_are_no_newcomers(tmp_path: Path) -> None:
    settings = {
        "HTTP_TRUSTED_PROXIES": "127.0.0.0/8",
        "MAX_CONNECTIONS_PER_PROFILE": 2,
        "PROFILE_EVENTS_PER_SECOND": 0,
    }
    calls = FEWEST + 60  # as newcomers they would wait for a second each
    with HttpDaemon(tmp_path, settings) as daemon:
        async with (
            Caller(daemon.url, "ann", **{"X-Forwarded-For": "203.0.113.7"}) as ann,
            asyncio.timeout(45),
        ):
            for _ in range(calls):
                assert (await ann.get("/v1/unread")).status == 200


async def test_nobody_else_is_believed(daemon: HttpDaemon) -> None:
    async with Caller(daemon.url, "eve", **{"X-Forwarded-For": "198.51.100.9"}) as eve:
        assert (await eve.get("/v1/unread")).status == 401
    assert "198.51.100.9" not in daemon.log.read_text()


async def test_pages_of_allowed_origins_may_read(tmp_path: Path) -> None:
    with HttpDaemon(tmp_path, {"HTTP_ORIGINS": "https://chat.example"}) as daemon:
        async with Caller(daemon.url, "ann") as ann:
            for origin, allowed in (("https://chat.example", True), ("https://evil.example", False)):
                for path in ("/v1/unread", "/v1/devices/web/events?poll=1"):
                    answer = await ann.get(path, headers={"Origin": origin})
                    assert (answer.headers.get("Access-Control-Allow-Origin") == origin) is allowed
                    assert answer.headers["Vary"] == "Origin"
                asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
                before = await ann.ask("OPTIONS", "/v1/rooms/r/events", headers=asked)
                assert before.status == 204
                assert ("Access-Control-Allow-Methods" in before.headers) is allowed
                assert ("Authorization" in before.headers.get("Access-Control-Allow-Headers", "")) is allowed


async def test_tls_and_another_certificate_at_sighup(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    cert, key = authority.issue("server", "localhost")
    files = {"HTTP_TLS_CERT_FILE": cert, "HTTP_TLS_KEY_FILE": key}
    with HttpDaemon(tmp_path / "data", files, scheme="https") as daemon:
        url = daemon.url.replace("127.0.0.1", "localhost")
        trusting = ssl.create_default_context(cafile=str(authority.root))
        async with Caller(url, "ann") as ann:
            assert (await ann.get("/v1/unread", ssl=trusting)).status == 200
        assert raw(daemon, b"GET /v1/unread HTTP/1.1\r\n\r\n")[:5] != b"HTTP/"
        first = ssl.get_server_certificate(("localhost", int(url.rpartition(":")[2])))
        cert.write_text("nonsense")
        daemon.process.send_signal(1)  # type: ignore[union-attr]
        await until_logged(daemon, "were not reloaded")
        assert ssl.get_server_certificate(("localhost", int(url.rpartition(":")[2]))) == first
        authority.issue("server", "localhost")
        daemon.process.send_signal(1)  # type: ignore[union-attr]
        await until_logged(daemon, "were reloaded")
        assert ssl.get_server_certificate(("localhost", int(url.rpartition(":")[2]))) != first


async def until_logged(daemon: HttpDaemon, text: str) -> None:
    async with asyncio.timeout(20):
        while text not in daemon.log.read_text():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"HTTP_URI": "http://0.0.0.0:7480"}, "HTTP_URI: 'http://0.0.0.0:7480': others can reach it"),
        ({"HTTP_URI": "https://0.0.0.0:7480"}, "HTTP_TLS_CERT_FILE: https:// needs it"),
        ({"HTTP_URI": "http://u:secret@h:1"}, "HTTP_URI: "),
        ({"HTTP_URI": "tcp://127.0.0.1:1"}, "HTTP_URI: "),
        ({"HTTP_TRUSTED_PROXIES": "10.0.0.1/8"}, "HTTP_TRUSTED_PROXIES: "),
        ({"HTTP_ORIGINS": "chat.example"}, "HTTP_ORIGINS: "),
    ],
)
def test_settings_that_can_never_work(settings: dict[str, str], said: str, tmp_path: Path) -> None:
    done = chatd("gateway", "--check-config", CHATD_DATA_DIR=str(tmp_path), **settings)
    assert done.returncode == 2
    assert said in done.stderr
    assert "secret" not in done.stderr


async def test_requests_under_way_are_answered_before_the_end(tmp_path: Path) -> None:
    with HttpDaemon(tmp_path) as daemon:
        async with Caller(daemon.url, "ann") as ann:
            await ann.call("CreateRoom", room_id="r")
            asked = [
                asyncio.create_task(ann.ask("POST", "/v1/rooms/r/events", json={"text": str(number)}))
                for number in range(20)
            ]
            await asked[0]
            daemon.process.terminate()  # type: ignore[union-attr]
            done = await asyncio.gather(*asked, return_exceptions=True)
    stored = [one for one in done if not isinstance(one, BaseException)]
    assert all(one.status in (200, 503) for one in stored)
    assert all(isinstance(one, ClientConnectionError) for one in done if isinstance(one, BaseException))
