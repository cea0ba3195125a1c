"""The example clients against a real daemon: a room, sends, a stream that is killed and goes on."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.pb.admin.v1.admin_pb2 import ListDevicesRequest, ListDevicesResponse
from tests.conformance.examples import NAMES, command_of
from tests.daemons import Daemon, operator_token
from tests.protocol.conversation import Conversation

SECONDS = 30.0


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon("all", tmp_path_factory.mktemp("chatd")) as running:
        yield running


class Client:
    """``shown`` is the file with all that its streams have shown."""

    def __init__(self, command: list[str], daemon: Daemon, folder: Path) -> None:
        self._command = command
        self._token = operator_token(daemon.folder)
        self._environment = {**os.environ, "CHATD_URI": daemon.uri, "CHATD_TOKEN": self._token}
        self._folder = folder
        self.shown = folder / "shown"

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [*self._command, *words], env=self._environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    def stream(self, device: str) -> "subprocess.Popen[bytes]":
        with self.shown.open("ab") as shown:
            command = [*self._command, "stream", device, str(self._folder / "state")]
            return subprocess.Popen(command, env=self._environment, stdout=shown)

    def shows(self, *lines: str) -> None:
        """Wait until its streams have shown just these."""
        deadline = time.monotonic() + SECONDS
        while (got := self.shown.read_text().splitlines()) != list(lines):
            assert got == list(lines[: len(got)])
            assert time.monotonic() < deadline, got
            time.sleep(0.02)


def wait_until_nothing_is_owed(daemon: Daemon, device: str) -> None:
    """The device is known, and what it acknowledged is on its disk; what it has only shown need not
    be."""
    deadline = time.monotonic() + SECONDS
    with Conversation(daemon.uri, operator_token(daemon.folder)) as operator:
        while True:
            reply = operator.request("AdminService/ListDevices", ListDevicesRequest(device_id=device))
            devices = ListDevicesResponse.FromString(reply.payload).devices
            if devices and not devices[0].owed:
                return
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.mark.parametrize("name", NAMES)
def test_it_talks_to_a_real_daemon_and_goes_on_after_a_kill(
    name: str, daemon: Daemon, tmp_path: Path
) -> None:
    client = Client(command_of(name, tmp_path), daemon, tmp_path)
    room, device = f"room-{name}", f"device-{name}"
    with Conversation(daemon.uri, operator_token(daemon.folder)) as other:
        other.open("other")  # a further device of the profile begins at the head
    assert client.run("room", room, "bob") == f"room\t{room}\n"
    process = client.stream(device)
    try:
        wait_until_nothing_is_owed(daemon, device)
        assert client.run("send", room, "one", "naïve") == f"sent\t{room}\t2\nsent\t{room}\t3\n"
        first = (f"event\t{room}\t2\tone", f"event\t{room}\t3\tnaïve")
        client.shows(*first)
        wait_until_nothing_is_owed(daemon, device)
    finally:
        process.kill()
        process.wait()
    client.run("send", room, "three")
    process = client.stream(device)
    try:
        client.shows(*first, f"event\t{room}\t4\tthree")
        process.terminate()
        assert process.wait(SECONDS) == 0
    finally:
        process.kill()
