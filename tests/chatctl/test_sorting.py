"""The order of lists."""

import pytest
import typer

from chatctl.columns import Column, Columns, list_only, unlisted
from chatctl.sorting import sort
from tests.chatctl.command import Chatctl

COLUMNS: Columns[tuple[str, int]] = (
    Column("name", "profile_id", get=lambda row: row[0]),
    Column("seen", "seen_at_us", str, get=lambda row: row[1]),
    list_only("both", str),
    unlisted("length", get=lambda row: len(row[0]) or None),
)
ROWS = [("b", 10), ("a", 9), ("", 9)]


@pytest.mark.parametrize(
    ("wanted", "order"),
    [
        ("name", "ab"),
        ("profile_id:desc", "ba"),
        ("seen", "ab"),
        ("seen_at:asc", "ab"),
        ("seen_at_us:desc", "ba"),
        ("length", "ba"),
    ],
)
def test_a_column_is_named_by_its_heading_or_key(wanted: str, order: str) -> None:
    assert "".join(name for name, _ in sort(ROWS, COLUMNS, wanted)) == order


@pytest.mark.parametrize("wanted", ["both", "name:down", "", "name:"])
def test_what_is_no_column_or_order_is_refused(wanted: str) -> None:
    with pytest.raises(typer.BadParameter):
        sort(ROWS, COLUMNS, wanted)


def test_a_list_is_sorted_and_says_if_it_is_not_all(chatctl: Chatctl) -> None:
    for room, events in (("sort-a", 1), ("sort-b", 3), ("sort-c", 2)):
        chatctl("--as", "alice", "room", "create", room)
        chatctl("--as", "alice", "send", room, "-", stdin="x\n" * events)
    rows = chatctl.json("room", "list", "--sort", "events:desc")
    assert [row["room_id"] for row in rows if row["room_id"].startswith("sort-")] == [
        "sort-b",
        "sort-c",
        "sort-a",
    ]
    cut = chatctl("room", "list", "--sort", "made by", "--limit", "2", "--after", "sort-", "--no-headers")
    assert [line.split("\t")[0] for line in cut.stdout.splitlines()] == ["sort-a", "sort-b"]
    assert "--after sort-b; only the rows that are listed are sorted\n" in cut.stderr
    first = chatctl("room", "list", "--sort", "events:desc", "--limit", "1", "--no-headers")
    assert first.stdout.startswith("sort-b\t"), "of all rooms"
    assert first.stderr == "there are more; for the next ones: --after 4:sort-b\n"
    assert (
        "there is no column 'nope'; there are room, name"
        in chatctl("room", "list", "--sort", "nope", code=2).stderr
    )
    assert "No such option: --sort" in chatctl("send", "--sort", "x", "r", code=2).stderr
