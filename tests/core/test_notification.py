"""The preview of a notification: one line, cut between what a reader takes for characters."""

import pytest

from chatd.core.model import NotificationContent, PushDevice
from chatd.core.notification import preview_of
from chatd.pb.events.v1.payloads_pb2 import EventDelivery

FAMILY = "👨\u200d👩\u200d👧\u200d👦"


def content(text: str) -> NotificationContent:
    delivery = EventDelivery()
    delivery.payload["text"] = text
    return NotificationContent(
        PushDevice("log", "", "", ""), sender_id="alice", delivery=delivery.SerializeToString()
    )


@pytest.mark.parametrize("text", [FAMILY, "می\u200cخواهم بروم", "हिन्दी", "क्\u200dष", "café", "\U000323b0"])
def test_a_text_is_previewed_as_it_was_sent(text: str) -> None:
    assert preview_of(content(text), 120) == text


def test_a_preview_counts_and_cuts_as_a_reader_does() -> None:
    assert preview_of(content(f"{FAMILY} " * 100), 6) == f"{FAMILY} {FAMILY} {FAMILY}…"
    assert preview_of(content("two\nlines \x1b[31m and \u202emore"), 120) == "two lines [31m and more"
    assert preview_of(content("anything"), 0) == ""
