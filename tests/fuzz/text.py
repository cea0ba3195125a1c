"""The fuzz target of what is done with strings: ids, lines, reasons, previews. An input is UTF-8;
bytes that are none become lone surrogates, which a token file or an argument may hold."""

import unicodedata

from chatd.core.graphemes import cut
from chatd.core.ids import MAX_ID_BYTES, check_id, split_presence, split_topic, split_watch, topic_of
from chatd.errors import InvalidId
from chatd.text import BREAKING, INVISIBLE, REORDERING, SPACES, escaped, is_overloaded, nfc, one_line

HARMFUL = frozenset(chr(code) for first, last in (*BREAKING, *REORDERING) for code in range(first, last + 1))
INVISIBLES = frozenset(chr(code) for first, last in (*SPACES, *INVISIBLE) for code in range(first, last + 1))


def check(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for shown in (escaped(text), one_line(text)):
        assert not HARMFUL.intersection(shown)
        assert all(unicodedata.category(one) not in ("Cc", "Cs", "Zl", "Zp") for one in shown)
        shown.encode()
    assert one_line(one_line(text)) == one_line(text)
    assert nfc(nfc(text)) == nfc(text)
    assert text.startswith(cut(text, 5))
    assert len(cut(text, 5)) <= len(text)
    check_as_id(text)
    check_topics(data)


def check_as_id(text: str) -> None:
    try:
        found = check_id("id", text)
    except InvalidId as exc:
        refusal = str(exc)
    else:
        check_id_found(found)
        return
    assert not HARMFUL.intersection(refusal)


def check_id_found(found: str) -> None:
    assert check_id("id", found) == found
    assert 0 < len(found.encode()) <= MAX_ID_BYTES
    assert not (HARMFUL | INVISIBLES | {":"}).intersection(found)
    assert not is_overloaded(found)
    assert split_topic(topic_of(found, "d")) == (found, "d")
    assert split_topic(topic_of("p", found)) == ("p", found)


def check_topics(topic: bytes) -> None:
    """Topics that gateways send: each is one, or none."""
    ids = split_topic(topic)
    assert ids is None or topic_of(*ids) == topic
    split_watch(topic)
    split_presence(topic)


SEEDS = {
    "plain": b"alice",
    "accents": "cafe\u0301 \u00e9".encode(),
    "marks": ("a" + "\u0301" * 40).encode(),
    "escape": b"a\x1b[31mred\x1b[0m\x07\x9b31m",
    "bidi": "user\u202egnp.exe\u2066 \u2069\u200f".encode(),
    "spaces": "a\u2028b\u00a0c\u3000d\ufeff\u200b".encode(),
    "family": "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea".encode(),
    "hangul": "\u1112\u1161\u11ab".encode(),
    "not-utf-8": b"a\xff\xc3(\xed\xa0\x80",
    "long": b"x" * 129,
    "topic": b"alice:phone\0",
    "watch": b"alice\x02",
    "presence": b"A:alice:phone\x03",
}
