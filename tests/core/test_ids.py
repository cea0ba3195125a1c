import pytest

from chatd.core.ids import check_id, split_topic, split_watch, topic_of
from chatd.errors import InvalidId


@pytest.mark.parametrize(
    "value",
    [
        "a",
        "Ünïcode",
        "|nick|^",
        "x" * 128,
        "日本",
        "👨\u200d👩\u200d👧\u200d👦",
        "می\u200cخواهم",
        "क्\u200dष",
        "\u0378",
        "\U000323b0",
    ],
)
def test_ids_that_are_fine(value: str) -> None:
    assert check_id("id", value) == value


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a:b",
        "a b",
        "a\0",
        "a\n",
        "\x1b[1m",
        "\u202eabc",
        "a\u3000b",
        "a\u200bb",
        "\ufeffa",
        "a\xadb",
        "a\u2028",
        "\ud800",
        "x" * 129,
        "日" * 43,
        "e" + "\u0301" * 32,
        "\u0344" * 16,
        "\u0301\u0327" * 500_000,
    ],
    ids=lambda value: ascii(value[:12]),
)
def test_ids_that_are_not(value: str) -> None:
    with pytest.raises(InvalidId, match="id"):
        check_id("id", value)


def test_a_topic_is_no_prefix_of_another() -> None:
    assert not topic_of("u1", "dev10").startswith(topic_of("u1", "dev1"))
    assert split_topic(topic_of("u1", "dev10")) == ("u1", "dev10")


@pytest.mark.parametrize(
    "topic", [b"", b"u1:dev1", b"u1:\0", b":d\0", b"u1\0", b"u:d:e\0", b"u:d\0x\0", b"\xff:\xff\0"]
)
def test_what_is_no_topic(topic: bytes) -> None:
    assert split_topic(topic) is None


def test_the_profile_of_a_watch_is_never_guessed() -> None:
    assert split_watch("zoë\x02".encode()) == "zoë"
    for topic in (b"", b"\x02", b"u1", b"u1\0", b"u1:d\x02", b"\xff\x02"):
        assert split_watch(topic) is None
