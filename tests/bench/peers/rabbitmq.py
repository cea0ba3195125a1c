"""RabbitMQ with its MQTT plugin: QoS 1, persistent sessions, which are durable queues there."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.bench.measure import family
from tests.bench.peers.mqtt import MqttReceivers, MqttSender
from tests.bench.peers.process import wait_for_port
from tests.bench.subject import Tally
from tests.daemons import free_port
from tests.rabbitmq import RabbitMqServer

SETTINGS = """listeners.tcp = none
mqtt.listeners.tcp.default = 127.0.0.1:{port}
mqtt.allow_anonymous = true
mqtt.prefetch = 1024
log.file.level = error
"""


class RabbitMq:
    name = "rabbitmq"
    promise = "confirmed when every queue has written it"

    def start(self, folder: Path) -> str:
        self._port = free_port()
        settings = SETTINGS.format(port=self._port)
        self._server = RabbitMqServer(folder, settings, "rabbitmq_mqtt")
        self._pid = self._server.start(subprocess.DEVNULL).pid
        wait_for_port(self._port, 120)
        return settings

    def stop(self) -> None:
        self._server.stop()

    def processes(self) -> Mapping[str, Sequence[int]]:
        return {"rabbitmq": family(self._pid)}

    async def receivers(self, rooms: Mapping[str, Sequence[str]], tally: Tally) -> MqttReceivers:
        return await MqttReceivers(self._port, tally).open(rooms)

    async def sender(self, rooms: Sequence[str], on_ack: Callable[[object], None]) -> MqttSender:
        return await MqttSender(on_ack).open(self._port)
