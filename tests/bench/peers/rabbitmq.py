"""RabbitMQ with its MQTT plugin: QoS 1, persistent sessions, which are durable queues there."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.bench.measure import family
from tests.bench.peers.mqtt import MqttReceivers, MqttSender
from tests.bench.peers.process import wait_for_port
from tests.bench.subject import Tally
from tests.daemons import free_port

SETTINGS = """listeners.tcp = none
mqtt.listeners.tcp.default = 127.0.0.1:{port}
mqtt.allow_anonymous = true
mqtt.prefetch = 1024
log.file.level = error
"""
_SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # the one on PATH becomes another user


class RabbitMq:
    name = "rabbitmq"
    promise = "confirmed when every queue has written it"

    def start(self, folder: Path) -> str:
        program, epmd = (shutil.which(_SERVER), shutil.which("epmd"))
        if program is None or epmd is None:
            raise FileNotFoundError(_SERVER)
        port, names = free_port(), free_port()
        settings = SETTINGS.format(port=port)
        (folder / "rabbitmq.conf").write_text(settings)
        (folder / "plugins").write_text("[rabbitmq_mqtt].")
        environment = {
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"bench{port}@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
        }
        self._epmd = subprocess.Popen([epmd, "-port", str(names), "-address", "127.0.0.1"])
        self._port = port
        self._process = subprocess.Popen(
            [program],
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
        wait_for_port(port, 120)
        return settings

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._epmd.terminate()
        self._epmd.wait(10)

    def processes(self) -> Mapping[str, Sequence[int]]:
        return {"rabbitmq": family(self._process.pid)}

    async def receivers(self, rooms: Mapping[str, Sequence[str]], tally: Tally) -> MqttReceivers:
        return await MqttReceivers(self._port, tally).open(rooms)

    async def sender(self, rooms: Sequence[str], on_ack: Callable[[object], None]) -> MqttSender:
        return await MqttSender(on_ack).open(self._port)
