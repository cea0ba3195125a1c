"""SIGHUP: tokens, sending limits, the door's limits and the log level are read again; nothing else
changes, and no stream is lost."""

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from chatd.client import HEAD, Client
from chatd.daemon import reload as module
from chatd.daemon.settings.sources import load_settings
from chatd.daemon.systemd import ServiceManager
from chatd.errors import InvalidArgument, RateLimited, Unauthenticated
from chatd.files.key_file import load_keys
from chatd.pb.admin.v1 import admin_pb2
from chatd.transport.sockets import new_context
from tests.daemons import Daemon
from tests.gateway.authentication.issuer import RULE, Issuer, jwks

TOKENS = {"op": "operator", "keep": "user", "leave": "user"}


def write_tokens(folder: Path, tokens: dict[str, str]) -> None:
    text = "".join(
        f'[tokens.{token}]\nprofile = "p-{token}"\nrole = "{role}"\n' for token, role in tokens.items()
    )
    (folder / "tokens.toml").write_text(text)


def records(daemon: Daemon, message: str) -> list[dict[str, Any]]:
    """The log's records with this message."""
    lines = [json.loads(line) for line in daemon.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if message in line["message"]]


async def reload(daemon: Daemon, message: str) -> list[dict[str, Any]]:
    """Send SIGHUP and wait for new records with this message."""
    before = len(records(daemon, message))
    os.kill(daemon.pid, signal.SIGHUP)
    async with asyncio.timeout(20):
        while len(found := records(daemon, message)) == before:
            await asyncio.sleep(0.02)
    return found[before:]


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not what():
            await asyncio.sleep(0.02)


async def test_keys_of_jwts_are_rotated(tmp_path: Path) -> None:
    old, new = Issuer(key_id="old"), Issuer("ES256", "new")
    keys = tmp_path / "keys.json"
    keys.write_text(jwks([old, new]))
    write_tokens(tmp_path, TOKENS)
    with Daemon("all", tmp_path, {"JWT_KEYS_FILE": keys, **RULE}) as daemon:
        streams = {}
        async with (
            Client(daemon.uri, old.token("alice")) as alice,
            Client(daemon.uri, new.token("bob")) as bob,
            alice.stream("d", start=HEAD) as streams["alice"],
            bob.stream("d", start=HEAD) as streams["bob"],
        ):
            for stream in streams.values():
                await asyncio.wait_for(stream.caught_up(), 20)
            keys.write_text("{}")
            (failed,) = await reload(daemon, "were not reloaded")
            assert "JWT_KEYS_FILE" in failed["error"]
            keys.write_text(jwks([new]))
            (done,) = await reload(daemon, "were reloaded")
            assert done["streams_ended"] == 1
            with pytest.raises(Unauthenticated):
                await asyncio.wait_for(anext(streams["alice"]), 20)
            await bob.create_room("of-bob")
            assert (await asyncio.wait_for(anext(streams["bob"]), 20)).room_id == "of-bob"
        async with Client(daemon.uri, old.token("alice")) as alice:
            with pytest.raises(Unauthenticated):
                await alice.create_room("r")


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    (tmp_path / "chatd.toml").write_text("")
    write_tokens(tmp_path, TOKENS)
    with Daemon("all", tmp_path, {"CHATD_CONFIG": tmp_path / "chatd.toml"}) as running:
        yield running


async def test_tokens_come_and_go(daemon: Daemon) -> None:
    shown: list[tuple[str, Client]] = []
    ended: list[BaseException] = []

    async def read(client: Client) -> None:
        try:
            async with client.stream("d", start=HEAD) as stream:
                async for delivery in stream:
                    shown.append((delivery.text, client))
        except Unauthenticated as exc:
            ended.append(exc)

    async with (
        Client(daemon.uri, "keep") as keep,
        Client(daemon.uri, "leave") as leave,
        Client(daemon.uri, "op") as operator,
    ):
        await operator.create_room("r", profiles=["p-keep", "p-leave"])
        readers = [asyncio.create_task(read(client)) for client in (keep, leave)]
        async with asyncio.timeout(20):
            while {("before", keep), ("before", leave)} - set(shown):
                await operator.send("r", "before")  # until both devices are there
                await asyncio.sleep(0.1)
        write_tokens(daemon.folder, {"op": "operator", "keep": "user", "new": "user"})
        (done,) = await reload(daemon, "were reloaded")
        assert (done["tokens"], done["streams_ended"]) == (3, 1)
        await asyncio.wait_for(readers[1], 20)
        assert len(ended) == 1, "its token is gone, and its stream with it"
        with pytest.raises(Unauthenticated):
            await leave.send("r", "x")
        async with Client(daemon.uri, "new") as new:
            await new.create_room("of-the-new")
        await operator.send("r", "after")
        await until(lambda: ("after", keep) in shown)
        assert ("after", leave) not in shown
        assert not readers[0].done(), "a stream whose token stays is not touched"
        readers[0].cancel()
    streams = records(daemon, "")
    assert not [line for line in streams if line["level"] in ("error", "critical")]


async def test_limits_and_the_log_s_level(daemon: Daemon) -> None:
    config = daemon.folder / "chatd.toml"
    async with Client(daemon.uri, "keep", call_timeout=5) as keep:
        await keep.create_room("r")
        config.write_text(
            'max_events_per_second = 1\nrate_burst_seconds = 1\nlog_level = "warning"\nwindow_messages = '
            "7\nnotify_tick_seconds = 7\n"
        )
        waits = await reload(daemon, "takes effect at the next start")
        await until(lambda: len(records(daemon, "takes effect at the next start")) == 2)
        assert {line["setting"] for line in [*waits, *records(daemon, "takes effect")]} == {
            "WINDOW_MESSAGES",
            "NOTIFY_TICK_SECONDS",
        }
        with pytest.raises(RateLimited):
            await asyncio.gather(*(keep.send("r", "x") for _ in range(20)))
        config.write_text('log_level = "info"\n')
        (done,) = await reload(daemon, "were reloaded")
        assert {"LOG_LEVEL", "MAX_EVENTS_PER_SECOND"} <= set(done["changed"])


async def test_notifiers_come_and_go(daemon: Daemon) -> None:
    config = daemon.folder / "chatd.toml"
    program = daemon.folder / "program"
    program.write_text(f"#!/bin/sh\ncat >> {daemon.folder}/told\n")
    program.chmod(0o700)
    async with Client(daemon.uri, "keep") as keep, Client(daemon.uri, "op") as operator:
        with pytest.raises(InvalidArgument):
            await keep.set_push("d", "exec")
        config.write_text(f'notifiers = "exec"\nnotify_exec = "{program}"\n')
        (done,) = await reload(daemon, "were reloaded")
        assert set(done["changed"]) == {"NOTIFIERS", "NOTIFY_EXEC"}
        await keep.set_push("d", "exec")
        request = admin_pb2.TestNotificationRequest(profile_id="p-keep", device_id="d")
        method, response = "AdminService/TestNotification", admin_pb2.TestNotificationResponse
        assert (await operator.call(method, request, response)).sent
        assert '"kind": "test"' in (daemon.folder / "told").read_text()
        config.write_text('notifiers = "exec"\n')
        (failed,) = await reload(daemon, "were not reloaded")
        assert "NOTIFY_EXEC" in failed["error"]
        assert (await operator.call(method, request, response)).sent
        config.write_text("")
        await reload(daemon, "were reloaded")
        assert "no notifier 'exec'" in (await operator.call(method, request, response)).error


async def test_a_bad_file_changes_nothing(daemon: Daemon) -> None:
    write_tokens(daemon.folder, {"other": "operator"})
    (daemon.folder / "chatd.toml").write_text("ack_flush_ms = 0\nnothing = 1\n")
    lines = await reload(daemon, "were not reloaded")
    await until(lambda: len(records(daemon, "were not reloaded")) == 2)
    assert "ACK_FLUSH_MS: 0 is not allowed" in lines[0]["error"]
    (daemon.folder / "chatd.toml").write_text("max_events_per_second = 1\n")
    (daemon.folder / "tokens.toml").write_text('[tokens.""]\nprofile = "p"\n')
    (line,) = await reload(daemon, "were not reloaded")
    assert "the token is empty" in line["error"]
    async with Client(daemon.uri, "leave") as leave:
        await leave.create_room("r")
        for _ in range(5):
            await leave.send("r", "x")


async def test_systemd_is_told(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        with Daemon("default", tmp_path, {"NOTIFY_SOCKET": tmp_path / "notify"}) as daemon:
            while not systemd.recv(4096).startswith(b"READY=1"):
                pass
            before = time.monotonic_ns() // 1_000
            os.kill(daemon.pid, signal.SIGHUP)
            while not (message := systemd.recv(4096)).startswith(b"RELOADING=1\nMONOTONIC_USEC="):
                assert message == b"WATCHDOG=1"
            assert before <= int(message.rpartition(b"=")[2]) <= time.monotonic_ns() // 1_000
            assert systemd.recv(4096) == b"READY=1\nSTATUS=serving as default"


async def test_a_fault_of_ours_does_not_end_reloading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(level: str, style: str) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setenv("CHATD_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(module, "configure", fail)
    settings = load_settings("default", None)
    load_keys(settings.node.keys(settings.place), create=True)
    status: list[str] = []

    def told() -> str:
        status.append("serving")
        return status[-1]

    with new_context() as context, capture_logs() as logs:
        again = module.Reload(settings, context, None, None, None, ServiceManager(), status=told)
        await again()
        await again()
    assert [line["event"] for line in logs] == ["Settings and tokens were reloaded in part"] * 2
    assert len(status) == 2, "the manager is told that it is over"
