"""RabbitMQ's own ways: what an exchange is called, memory alarms, and a library that gives up."""

import asyncio
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.transport.queue import amqp
from tests.brokers import RabbitMq, broker
from tests.chaos.proxy import FaultProxy
from tests.transport.queue.test_broker import ITSELF, Ends
from tests.transport.queue.test_broker import context as context
from tests.transport.queue.test_broker import ends as ends
from tests.transport.queue.test_conformance import DEADLINE, ONE, until

NAMES = st.text(st.characters(exclude_categories=["Cs"])) | st.text("amq.:2E#", max_size=8)


@given(NAMES, NAMES, st.sampled_from(["", "x" * 130]))
def test_exchanges_have_names_that_amqp_takes_and_do_not_collide(one: str, other: str, begin: str) -> None:
    names = amqp.exchange_name(begin + one), amqp.exchange_name(begin + other)
    assert (names[0] == names[1]) == (one == other)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_.:#-]{0,127}", name)
        assert not name.startswith("amq.")


def test_what_is_legal_is_kept() -> None:
    assert amqp.exchange_name("user.event.delivery") == "user.event.delivery"


def _recorded(monkeypatch: pytest.MonkeyPatch) -> list[amqp.AmqpConnection]:
    """All connections to RabbitMQ that are made from now on."""
    made = list[amqp.AmqpConnection]()
    connect = amqp.AmqpBroker.connect

    async def recording(self: amqp.AmqpBroker) -> amqp.AmqpConnection:
        made.append(await connect(self))
        return made[-1]

    monkeypatch.setattr(amqp.AmqpBroker, "connect", recording)
    return made


async def test_a_memory_alarm_holds_up_nobody(
    ends: Ends, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """RabbitMQ reads no more from those who publish. The node says so once, however often it tries
    again; the gateway has nothing to complain of but silence."""
    monkeypatch.setattr("chatd.transport.queue.sender.SEND_SECONDS", 0.3)
    made = _recorded(monkeypatch)
    with broker("amqp", tmp_path) as running:
        assert isinstance(running, RabbitMq)
        gateway, subscriber = ends.gateway(running.uri)
        node = ends.node(running.uri)
        node.meet("g-1")
        await until(lambda: subscriber.is_heard)
        node.publish_to("g-1", ITSELF, b"before")
        await until(lambda: gateway.has_heard(b"before"))
        await asyncio.to_thread(running.control, "set_vm_memory_high_watermark", "0")
        try:
            async with asyncio.timeout(DEADLINE):
                while not node.problem:
                    begun = time.monotonic()
                    node.publish(ONE, ("g-1",), bytes(1_000))
                    assert time.monotonic() - begun < 1, "nothing waits"
                    await asyncio.sleep(0.001)
            tried = len(made)
            await until(lambda: len(made) > tried + 3)
            assert subscriber.is_heard
        finally:
            await asyncio.to_thread(running.control, "set_vm_memory_high_watermark", "0.4")
        await until(lambda: not node.problem)
        node.publish_to("g-1", ITSELF, b"after")
        await until(lambda: gateway.has_heard(b"after"))
    assert gateway.missed
    said = capsys.readouterr().out
    assert said.count("The broker of the queue is away; gateways pull instead") == 1
    assert said.count("The broker of the queue is back") == 1


async def test_a_connection_that_the_library_gives_up_is_made_again(
    ends: Ends, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RabbitMQ's does it for want of heartbeats, and cancels whoever waits for an answer; the
    node's sender does not end by that."""
    monkeypatch.setattr("chatd.transport.queue.sender.SEND_SECONDS", 60)
    made = _recorded(monkeypatch)
    with broker("amqp", tmp_path) as running, FaultProxy(target=("127.0.0.1", running.port)) as proxy:
        gateway, subscriber = ends.gateway(running.uri)
        await until(lambda: subscriber.is_heard)
        node = ends.node(running.uri_at(proxy.port))
        node.meet("g-1")
        await until(lambda: len(made) == 2)
        node.publish_to("g-1", ITSELF, b"before")
        await until(lambda: gateway.has_heard(b"before"))
        proxy.blackhole()
        node.publish_to("g-1", ITSELF, b"lost")
        await asyncio.sleep(0.05)
        made[1]._connection._reader_task.cancel()
        await until(lambda: node.problem)
        proxy.heal()
        await until(lambda: not node.problem)
        node.publish_to("g-1", ITSELF, b"after")
        await until(lambda: gateway.has_heard(b"after"))
