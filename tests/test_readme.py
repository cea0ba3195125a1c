"""The documents agree with the code."""

import re
from pathlib import Path

from chatd.daemon.settings.listing import page
from chatd.default.answer import Role
from chatd.errors import WIRE_ERRORS
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1 import chat_pb2
from chatd.pb.node.v1 import node_pb2

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    path
    for folder in (".", ".github", "chatctl", "chatd", "proto", "systemd", "tests")
    for path in (ROOT / folder).glob("*.md")
] + [
    ROOT / "chatd/daemon/SETTINGS.md",
    ROOT / "chatd/transport/queue/README.md",
    ROOT / "proto/examples/README.md",
    ROOT / "tests/bench/README.md",
]


def test_the_page_of_settings_lists_every_setting() -> None:
    assert (ROOT / "chatd/daemon/SETTINGS.md").read_text() == page(), "renew it with: make fix"


def test_every_error_is_in_the_protocol() -> None:
    protocol = (ROOT / "proto/PROTOCOL.md").read_text()
    for code, error in WIRE_ERRORS.items():
        retry, closes = ("yes" if flag else "no" for flag in (error.retry, error.closes))
        assert f"| {code} | {error.name} | {error.fault} | {retry} | {closes} |" in protocol


def test_every_call_is_in_the_protocol() -> None:
    rows = [
        line.split(" | ")
        for line in (ROOT / "proto/PROTOCOL.md").read_text().splitlines()
        if "Service/" in line and line[0] == "|"
    ]
    services = (
        (chat_pb2.DESCRIPTOR, "ChatService"),
        (admin_pb2.DESCRIPTOR, "AdminService"),
        (node_pb2.DESCRIPTOR, "NodeService"),
    )
    assert [(row[0], row[2]) for row in rows] == [
        (f"| {name}/{call.name}", f"{call.input_type.name} → {call.output_type.name}")
        for file, name in services
        for call in file.services_by_name[name].methods
    ]
    assert {row[1] for row in rows} == {role.value for role in Role}
    assert {row[3] for row in rows} == {"reads", "writes", "writes once"}
    codes = {int(code) for row in rows for code in re.findall(r"\d+", row[4])}
    assert codes <= WIRE_ERRORS.keys()


def test_every_statement_of_the_protocol_has_a_name_of_its_own() -> None:
    protocol = (ROOT / "proto/PROTOCOL.md").read_text().partition("## Write a client")[2]
    named = re.findall(r"\*\*([A-Z]\d+)\*\*", protocol)
    for letter in {name[0] for name in named}:
        numbers = sorted(int(name[1:]) for name in named if name[0] == letter)
        assert numbers == list(range(1, len(numbers) + 1)), letter
    assert set(re.findall(r"\b[A-Z]\d\d?\b", protocol)) - set(named) == {"Z85"}, (
        "others name one that is none"
    )


def test_examples_end_before_the_next_heading() -> None:
    for document in DOCUMENTS:
        parts = document.read_text().split("\n```")
        assert len(parts) % 2, f"{document}: one is open"
        headings = [line for text in parts[1::2] for line in text.splitlines() if re.match("##+ ", line)]
        assert not headings, f"{document}: {headings} in an example"


def test_links_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
            assert (document.parent / link).exists(), f"{document}: {link}"


def test_the_targets_of_make_that_are_named_are_there() -> None:
    rules = (ROOT / "Makefile").read_text() + (ROOT / "systemd/release/install.mk").read_text()
    targets = set(re.findall(r"^([a-z-]+):.* ## ", rules, re.MULTILINE))
    for document in DOCUMENTS:
        named = set(
            re.findall(r"(?:^|`)make ([a-z-]+)(?=`| [A-Z]+=| +#)", document.read_text(), re.MULTILINE)
        )
        assert named <= targets, document
