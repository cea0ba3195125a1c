"""A gateway's queue at RabbitMQ, of which nobody reads more than the broker's answers."""

import socket
from typing import Any
from urllib.parse import urlsplit

from pamqp import commands, frame, header

from chatd.transport.queue.amqp import LIMITS


def subscribe(uri: str, exchange: str, key: str) -> socket.socket:
    """The connection. It has no heartbeat."""
    parts = urlsplit(uri)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=10)
    connection.sendall(header.ProtocolHeader().marshal())
    _answer(connection)
    login = commands.Connection.StartOk({}, "PLAIN", f"\0{parts.username}\0{parts.password}", "en_US")
    _ask(connection, 0, login)
    connection.sendall(frame.marshal(commands.Connection.TuneOk(1, 131_072, 0), 0))
    _ask(connection, 0, commands.Connection.Open("/"))
    _ask(connection, 1, commands.Channel.Open())
    _ask(connection, 1, commands.Exchange.Declare(exchange=exchange))
    queue = _ask(connection, 1, commands.Queue.Declare(exclusive=True, arguments=LIMITS)).queue
    _ask(connection, 1, commands.Queue.Bind(queue=queue, exchange=exchange, routing_key=key))
    _ask(connection, 1, commands.Basic.Consume(queue=queue, no_ack=True))
    return connection


def _ask(connection: socket.socket, channel: int, question: Any) -> Any:
    connection.sendall(frame.marshal(question, channel))
    return _answer(connection)


def _answer(connection: socket.socket) -> Any:
    head = connection.recv(7, socket.MSG_WAITALL)
    rest = connection.recv(int.from_bytes(head[3:], "big") + 1, socket.MSG_WAITALL)
    return frame.unmarshal(head + rest)[2]
