"""mosquitto: an MQTT broker in C. QoS 1, persistent sessions, saved to disk every 30 seconds (by
default every 30 minutes)."""

import getpass
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.bench.peers.mqtt import MqttReceivers, MqttSender
from tests.bench.peers.process import Server
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
        self._server = Server([program, "-c", str(folder / "mosquitto.conf")], self._port)
        return settings.replace(str(folder), "…")

    def stop(self) -> None:
        self._server.stop()

    def processes(self) -> Mapping[str, Sequence[int]]:
        return {"mosquitto": [self._server.pid]}

    async def receivers(self, rooms: Mapping[str, Sequence[str]], tally: Tally) -> MqttReceivers:
        return await MqttReceivers(self._port, tally).open(rooms)

    async def sender(self, rooms: Sequence[str], on_ack: Callable[[object], None]) -> MqttSender:
        return await MqttSender(on_ack).open(self._port)
