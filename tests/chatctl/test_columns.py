"""Column tables: one description of a noun, three forms of it."""

from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.message import Message

from chatctl import (
    connections,
    dead_letters,
    devices,
    nodes,
    notifications,
    outbox,
    presence,
    read_markers,
    receipts,
    room_columns,
    send_lines,
    signals,
)
from chatctl.columns import (
    Column,
    Columns,
    cells,
    counted,
    details,
    headings,
    list_only,
    or_dash,
    record,
    unlisted,
    yes_no,
)
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1 import chat_pb2
from chatd.pb.events.v1 import payloads_pb2, signals_pb2


@dataclass
class Boat:
    name: str
    afloat: bool
    crew: tuple[str, ...]
    length_mm: int


def metres(mm: int) -> str:
    return f"{mm / 1000:g} m"


COLUMNS: Columns[Boat] = (
    Column("boat", "name", or_dash),
    unlisted("crew", get=lambda boat: list(boat.crew), detail=", ".join),
    list_only("hands", lambda boat: len(boat.crew)),
    Column("afloat", "afloat", yes_no),
    Column("length", "length_mm", metres, detail=lambda mm: f"{mm} mm"),
)
ARGO = Boat("Argo", True, ("Jason", "Orpheus"), 23_500)


def test_json_has_the_values_themselves_by_key_in_the_tables_order() -> None:
    assert list(record(ARGO, COLUMNS).items()) == [
        ("name", "Argo"),
        ("crew", ["Jason", "Orpheus"]),
        ("afloat", True),
        ("length_mm", 23_500),
    ]


def test_lists_have_a_cell_for_each_heading() -> None:
    assert headings(COLUMNS) == ["boat", "hands", "afloat", "length"]
    assert cells(ARGO, COLUMNS) == ["Argo", "2", "yes", "23.5 m"]
    assert cells(Boat("", False, (), 0), COLUMNS) == ["-", "0", "no", "0 m"]


def test_a_time_in_the_details_is_no_longer_in_microseconds() -> None:
    columns: Columns[int] = (unlisted("made_at_us", get=int, detail=lambda at_us: f"{at_us:,}"),)
    assert (record(5_000, columns), details(5_000, columns)) == ({"made_at_us": 5_000}, {"made_at": "5,000"})


@pytest.mark.parametrize(("number", "shown"), [(0, "0 boats"), (1, "1 boat"), (2_000, "2,000 boats")])
def test_things_are_counted(number: int, shown: str) -> None:
    assert counted(number, "boat") == shown


def test_details_have_the_keys_of_json_and_texts_for_people() -> None:
    assert list(details(ARGO, COLUMNS).items()) == [
        ("name", "Argo"),
        ("crew", "Jason, Orpheus"),
        ("afloat", "yes"),
        ("length_mm", "23500 mm"),
    ]


TABLES: list[tuple[Columns[Any], Message]] = [
    (connections.COLUMNS, admin_pb2.Connection()),
    (devices.COLUMNS, admin_pb2.Device()),
    (nodes.COLUMNS, admin_pb2.Node()),
    (notifications.COLUMNS, admin_pb2.Notification()),
    (outbox.SUMMARIES, admin_pb2.OutboxSummary()),
    (outbox.TARGETS, payloads_pb2.EventReceipt()),
    (presence.COLUMNS, signals_pb2.Presence()),
    (presence.CHANGES, signals_pb2.Presence()),
    (read_markers.COLUMNS, chat_pb2.Unread()),
    (receipts.COLUMNS, chat_pb2.RecipientStatus()),
    (room_columns.COLUMNS, chat_pb2.Room()),
    (room_columns.MEMBERS, admin_pb2.Member()),
    (send_lines.ACK, chat_pb2.EventAck()),
    (signals.TYPING, signals_pb2.Typing()),
    (signals.DELIVERED, signals_pb2.DeliveredReceipt()),
    (signals.READ, signals_pb2.ReadReceipt()),
]
NESTED: list[tuple[Columns[Any], Message]] = [  # their tables take fields of the messages inside
    (dead_letters.COLUMNS, admin_pb2.DeadLetter()),
    (outbox.ENTRIES, admin_pb2.OutboxEntry()),
]
RENAMED = {"member_count": "members"}
DETAILS_ONLY = {"membership_version"}  # of a room: room show adds it
SPREAD = {"rules", "owner"}  # a room's rules are columns of their own; a member's role says "owner"


@pytest.mark.parametrize(("columns", "row"), [*TABLES, *NESTED], ids=lambda one: type(one).__name__)
def test_each_table_fits_its_message(columns: Columns[Any], row: Message) -> None:
    assert len(cells(row, columns)) == len(headings(columns))
    named = [key.removesuffix("_us") for key in record(row, columns)]
    assert list(details(row, columns)) == named
    keys = [column.key for column in columns if column.key]
    assert list(record(row, columns)) == keys, "no key twice"


@pytest.mark.parametrize(("columns", "row"), TABLES, ids=lambda one: type(one).__name__)
def test_json_has_every_field_of_the_message(columns: Columns[Any], row: Message) -> None:
    fields = {RENAMED.get(field.name, field.name) for field in row.DESCRIPTOR.fields}
    assert fields - DETAILS_ONLY - SPREAD <= record(row, columns).keys()
