"""What RabbitMQ's exchange is called for a queue. The driver is tried with all the others."""

import re

from hypothesis import given
from hypothesis import strategies as st

from chatd.transport.queue.amqp import exchange_name

NAMES = st.text(st.characters(exclude_categories=["Cs"])) | st.text("amq.:2E#", max_size=8)


@given(NAMES, NAMES, st.sampled_from(["", "x" * 130]))
def test_exchanges_have_names_that_amqp_takes_and_do_not_collide(one: str, other: str, begin: str) -> None:
    names = exchange_name(begin + one), exchange_name(begin + other)
    assert (names[0] == names[1]) == (one == other)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_.:#-]{0,127}", name)
        assert not name.startswith("amq.")


def test_what_is_legal_is_kept() -> None:
    assert exchange_name("user.event.delivery") == "user.event.delivery"
