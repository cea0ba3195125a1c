"""Requests that nobody's library would make: none is taken for another, none brings a fault about,
and none is quoted."""

import json
import re
import socket
import time

import pytest

from tests.gateway.fronts.http.serving import Caller, HttpDaemon
from tests.gateway.fronts.http.test_front import raw
from tests.gateway.fronts.http.test_service import room

TOKEN = b"Authorization: Bearer token-of-ann\r\n"
CLOSE = b"Connection: close\r\n"
PATH = b"/chat.v1.ChatService/ListUnread"
BODY = b"2\r\n{}\r\n0\r\n\r\n"


def request(target: bytes = PATH, more: bytes = b"", body: bytes = b"", method: bytes = b"POST") -> bytes:
    head = method + b" " + target + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return head + TOKEN + CLOSE + more + b"\r\n" + body


def sized(body: bytes, target: bytes = PATH) -> bytes:
    return request(target, b"Content-Length: %d\r\n" % len(body), body)


SMUGGLED = b"0\r\n\r\nGET /v1/unread HTTP/1.1\r\n\r\n"
NO_HTTP = {
    "both lengths": request(more=b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", body=SMUGGLED),
    "two lengths": request(more=b"Content-Length: 2\r\nContent-Length: 3\r\n", body=b"{}evil"),
    "a list of lengths": request(more=b"Content-Length: 2, 2\r\n", body=b"{}"),
    "a signed length": request(more=b"Content-Length: +2\r\n", body=b"{}"),
    "a space before the colon": request(more=b"Transfer-Encoding : chunked\r\n", body=BODY),
    "chunked twice": request(more=b"Transfer-Encoding: chunked, chunked\r\n", body=BODY),
    "not chunked at last": request(more=b"Transfer-Encoding: chunked, identity\r\n", body=BODY),
    "a chunk without a size": request(more=b"Transfer-Encoding: chunked\r\n", body=b"evil\r\n{}\r\n"),
    "a chunk that is too large": request(more=b"Transfer-Encoding: chunked\r\n", body=b"f" * 17 + b"\r\n{}"),
    "chunks ended by LF": request(more=b"Transfer-Encoding: chunked\r\n", body=b"2\n{}\n0\n\n"),
    "trailers without an end": request(
        more=b"Transfer-Encoding: chunked\r\n", body=b"2\r\n{}\r\n0\r\n" + b"X: evil\r\n" * 9_000
    ),
    "a header over two lines": request(more=b"X: evil\r\n evil\r\n", method=b"GET"),
    "a NUL in a header": request(more=b"X: e\0vil\r\n", method=b"GET"),
    "many headers": request(more=b"X: evil\r\n" * 2_000, method=b"GET"),
    "no UTF-8 in the path": request(b"/v1/rooms/\xff/events", method=b"GET"),
    "a query of 70 KB": request(b"/v1/unread?after=" + b"evil" * 17_000, method=b"GET"),
    "a URL that is none": request(b"http://[::evil/v1/unread", method=b"GET"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("said", NO_HTTP.values(), ids=NO_HTTP)
def test_what_is_no_http_has_one_answer_and_the_end(daemon: HttpDaemon, said: bytes) -> None:
    answer = raw(daemon, said)
    (status,) = re.findall(rb"HTTP/1\.[01] (\d+) ", answer)
    assert status == b"400"
    head, _, body = answer.partition(b"\r\n\r\n")
    assert json.loads(body)["name"] == "MALFORMED_FRAME"
    assert b"Server: chatd" in head
    assert b"evil" not in answer


REFUSED = {
    "half a character in a text": (sized(b'{"text": "\\ud800"}', b"/v1/rooms/r/events"), 400),
    "half a character in a key": (sized(b'{"payload": {"\\ud800": 1}}', b"/v1/rooms/r/events"), 400),
    "half a character in a call": (sized(b'{"after_room_id": "\\ud800"}'), 400),
    "JSON in UTF-16": (sized('{"text": "x"}'.encode("utf-16"), b"/v1/rooms/r/events"), 400),
    "NaN": (sized(b'{"text": "x", "payload": {"n": NaN}}', b"/v1/rooms/r/events"), 400),
    "1e999": (sized(b'{"text": "x", "payload": {"n": 1e999}}', b"/v1/rooms/r/events"), 400),
    "a number of 5,000 digits": (sized(b'{"limit": ' + b"9" * 5_000 + b"}"), 400),
    "lists in 90 lists": (
        sized(b'{"text": "x", "payload": {"a": ' + b"[" * 90 + b"]" * 90 + b"}}", b"/v1/rooms/r/events"),
        400,
    ),
    "lists in 900 lists": (
        sized(b'{"text": "x", "payload": {"a": ' + b"[" * 900 + b"]" * 900 + b"}}", b"/v1/rooms/r/events"),
        400,
    ),
    "a key that is no UTF-8": (request(more=b"Idempotency-Key: \xff\r\nContent-Length: 0\r\n"), 400),
    "a profile that is no UTF-8": (request(b"/v1/unread", b"Chatd-Profile: \xff\r\n", method=b"GET"), 400),
    "an operator's profile that is no UTF-8": (
        request(b"/v1/devices/d/events", b"Chatd-Profile: \xff\r\n", method=b"GET"),
        400,
    ),
    "a client that is no UTF-8": (
        request(b"/v1/devices/d/events", b"User-Agent: \xff\r\n", method=b"GET"),
        400,
    ),
    "a NUL in the path": (request(b"/v1/rooms/a%00b/events", method=b"GET"), 400),
    "a line's end in the path": (request(b"/v1/rooms/a%0d%0aX:y/events", method=b"GET"), 400),
    "a token that is no UTF-8": (
        b"GET /v1/unread HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\r\n" + CLOSE + b"\r\n",
        400,
    ),
    "HEAD": (request(b"/v1/unread", method=b"HEAD"), 405),
    "CONNECT": (request(b"evil.example:80", method=b"CONNECT"), 404),
    "an absolute URL": (request(b"http://other.example/v1/unread", method=b"GET"), 200),
    "HTTP/1.0": (b"GET /v1/unread HTTP/1.0\r\n" + TOKEN + b"\r\n", 200),
    "chunks": (request(more=b"Transfer-Encoding: chunked\r\n", body=BODY), 200),
    "Expect": (request(more=b"Expect: 100-continue\r\nContent-Length: 2\r\n", body=b"{}"), 200),
}


@pytest.mark.parametrize(("said", "status"), REFUSED.values(), ids=REFUSED)
def test_odd_requests_have_the_answer_that_is_theirs(daemon: HttpDaemon, said: bytes, status: int) -> None:
    answers = re.findall(rb"HTTP/1\.[01] (\d+) ", raw(daemon, said))
    assert [int(one) for one in answers if one != b"100"] == [status]


async def test_requests_in_a_row_are_answered_in_a_row(daemon: HttpDaemon) -> None:
    name = room()
    async with Caller(daemon.url, "ann") as ann:
        await ann.call("CreateRoom", room_id=name)
    path = f"/v1/rooms/{name}/events".encode()
    said = b"".join(
        request(path, b"Content-Length: %d\r\n" % len(body), body).replace(
            CLOSE, b"" if number < 9 else CLOSE
        )
        for number, body in enumerate(b'{"text": "%d"}' % number for number in range(10))
    )
    assert re.findall(rb'"seq":"(\d+)"', raw(daemon, said)) == [b"%d" % seq for seq in range(2, 12)]


async def test_large_json_is_read_of_those_who_are_known(daemon: HttpDaemon) -> None:
    large = {"room_ids": [f"room {number:05}" for number in range(3_000)]}
    async with Caller(daemon.url, "eve") as eve:
        refused = await eve.call("ListUnread", **large)
        assert (refused.status, refused.json["name"]) == (401, "UNAUTHENTICATED")
    async with Caller(daemon.url, "ann") as ann:
        refused = await ann.call("ListUnread", **large)
        assert (refused.status, refused.json["name"]) == (400, "INVALID_ARGUMENT")
        name = room()
        assert (await ann.call("CreateRoom", room_id=name)).status == 200
    async with Caller(daemon.url, "ann") as ann:
        sent = await ann.ask("POST", f"/v1/rooms/{name}/events", json={"text": "x" * 30_000})
        assert sent.status == 200, sent.body


def test_a_bad_header_gets_no_large_body_read(daemon: HttpDaemon) -> None:
    head = request(more=b"Chatd-Profile: \xff\r\nContent-Length: 200000\r\n")
    host, _, port = daemon.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as peer:
        peer.sendall(head)
        assert peer.recv(65_536).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("token", [b"", TOKEN])
def test_a_body_is_not_counted_that_does_not_come(daemon: HttpDaemon, token: bytes) -> None:
    large = request(more=b"Content-Length: 100000000000\r\n").replace(TOKEN, token)
    host, _, port = daemon.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as peer:
        if token:
            peer.sendall(request(method=b"GET", target=b"/v1/unread").replace(CLOSE, b""))
            assert peer.recv(65_536).startswith(b"HTTP/1.1 200 ")
        peer.sendall(large)
        assert peer.recv(65_536).startswith(b"HTTP/1.1 413 ")
    for _ in range(2):  # others of the address, or the user, are still told what is wrong
        told = raw(daemon, request(method=b"GET", target=b"/v1/unread?no=1").replace(TOKEN, token))
        assert re.match(b"HTTP/1.1 (400|401) ", told)


def test_a_body_that_does_not_come_shuts_nobody_out(daemon: HttpDaemon) -> None:
    """Each is as large as is allowed, from a stranger, and told of the token before it is read."""
    large = request(more=b"Content-Length: 262144\r\n").replace(TOKEN, b"Authorization: Bearer no\r\n")
    host, _, port = daemon.url.removeprefix("http://").partition(":")
    for _ in range(300):
        with socket.create_connection((host, int(port)), timeout=20) as peer:
            peer.sendall(large)
            assert peer.recv(65_536).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("part", [b"1\r\n \r\n" * 30_000, b"1\r\n \r\n" * 100])
def test_a_body_in_chunks_of_a_byte_ends_its_connection(daemon: HttpDaemon, part: bytes) -> None:
    head = request(more=b"Transfer-Encoding: chunked\r\n")
    try:
        assert not raw(daemon, head, *[part] * (300_000 // len(part)))
    except ConnectionError:
        pass
    end = time.monotonic() + 20
    while "small_chunks" not in daemon.log.read_text():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_requests_that_nobody_has_authenticated_are_bounded(daemon: HttpDaemon) -> None:
    said = request(b"/openapi.json", method=b"GET").replace(TOKEN + CLOSE, b"")
    try:
        answers = raw(daemon, said * 3_000)
    except ConnectionError:
        answers = b""
    assert answers.count(b"HTTP/1.1 200") < 1_000


async def test_numbers_that_json_does_not_have_poison_no_room(daemon: HttpDaemon) -> None:
    name = room()
    async with Caller(daemon.url, "ann") as ann:
        await ann.call("CreateRoom", room_id=name)
        event = '{"event_id": "e", "room_id": "%s", "type": "EVENT_TYPE_MESSAGE", "payload": %s}'
        payload = '{"text": "x", "a": NaN, "b": [{"c": -Infinity}]}'
        sent = await ann.ask(
            "POST",
            "/chat.v1.ChatService/SendEvents",
            data='{"events": [%s]}' % (event % (name, payload)),
            headers={"Content-Type": "application/json"},
        )
        assert sent.status == 200, sent.body
        page = await ann.get(f"/v1/rooms/{name}/events", params={"after": "1"})
    (one,) = page.json["events"]
    assert one["payload"] == {"text": "x", "a": "NaN", "b": [{"c": "-Infinity"}]}
