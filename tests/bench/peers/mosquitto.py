"""mosquitto: an MQTT broker in C. QoS 1, persistent sessions, saved to disk every 30 seconds (by default every 30 minutes)."""

import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.bench.peers.mqtt import MqttReceivers, MqttSender
from tests.bench.subject import Tally
from tests.daemons import free_port

SETTINGS = """listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 30
max_inflight_messages 0
max_queued_messages 0
set_tcp_nodelay true
log_type error
"""


class Mosquitto:
    name = "mosquitto"
    promise = "in memory; saved every 30 s"

    def start(self, folder: Path) -> str:
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self._port = free_port()
        settings = SETTINGS.format(port=self._port, folder=folder)
        (folder / "mosquitto.conf").write_text(settings + f"user {getpass.getuser()}\n")
        self._process = subprocess.Popen([program, "-c", str(folder / "mosquitto.conf")], stderr=subprocess.DEVNULL)
        wait_for_port(self._port)
        return settings.replace(str(folder), "…")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)

    def processes(self) -> Mapping[str, Sequence[int]]:
        return {"mosquitto": [self._process.pid]}

    async def receivers(self, rooms: Mapping[str, Sequence[str]], tally: Tally) -> MqttReceivers:
        return await MqttReceivers(self._port, tally).open(rooms)

    async def sender(self, rooms: Sequence[str], on_ack: Callable[[object], None]) -> MqttSender:
        return await MqttSender(on_ack).open(self._port)


def wait_for_port(port: int, seconds: float = 60.0) -> None:
    """Until somebody listens. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > end:
            raise TimeoutError(f"nobody listens on port {port}")
        time.sleep(0.05)
