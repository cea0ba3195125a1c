"""A device that takes nothing hurts nobody but itself: it never has more than its window in flight,
its backlog is the outbox's, the others do not wait, and the gateway does not grow. `make bench`
measures the others' latency beside it."""

import statistics
import time
from pathlib import Path

from tests.bench.measure import rss_kib
from tests.protocol.conversation import Conversation, seqs
from tests.system.deployment import Deployment

WINDOW = 16
BURSTS, BURST = 30, 100
TEXT = "x" * 500


def test_a_slow_device_keeps_to_its_window_and_the_gateway_does_not_grow(db_uri: str, tmp_path: Path) -> None:
    with (
        Deployment(
            tmp_path, db_uri, defaults=1, gateways=1, HEARTBEAT_INTERVAL_MS=600_000, DELIVERY_RETRY_MS=300_000
        ) as deployment,
        Conversation(deployment.uri(), deployment.token, "alice") as alice,
        Conversation(deployment.uri(), deployment.token, "fast") as fast,
        Conversation(deployment.uri(), deployment.token, "slow") as slow,
    ):
        alice.create_room("r", "fast", "slow")
        for one in (fast, slow):
            one.open("d", window_messages=WINDOW if one is slow else 1_024)
            one.hear_kind("caught_up")

        fast_acked = 0

        def burst(number: int) -> float:
            """Seconds until the fast device has it all."""
            started = time.monotonic()
            alice.send_texts("r", *(f"{number}-{one}-{TEXT}" for one in range(BURST)))
            heard = fast.deliveries(BURST, 30)
            took = time.monotonic() - started
            nonlocal fast_acked
            fast_acked += BURST
            fast.ack(fast_acked)
            assert seqs(heard) == list(range(heard[0].event.seq, heard[0].event.seq + BURST))
            return took

        alone = [burst(number) for number in range(3)]  # while the slow one's window fills
        before = rss_kib(deployment.gateways[0].pid)
        beside = [burst(number) for number in range(3, BURSTS)]
        grown = rss_kib(deployment.gateways[0].pid) - before
        assert grown < 6_000, (
            f"the gateway has grown by {grown} KiB; the slow device is owed {BURSTS * BURST * len(TEXT) // 1024} KiB"
        )
        assert statistics.median(beside) < 10 * statistics.median(alone) + 0.5

        got = slow.deliveries(WINDOW)
        slow.hear_nothing(0.3)
        acked = 0
        shown = seqs(got)
        end = time.monotonic() + 60
        while shown[-1] < 1 + BURSTS * BURST:
            assert time.monotonic() < end
            acked += len(got)
            slow.ack(acked)
            got = list(slow.hear().deliveries)
            shown += seqs(got)
            assert len(shown) - acked <= WINDOW, "more in flight than its window"
        assert shown == list(range(2, 2 + BURSTS * BURST)), "all of it, in order"
