"""The documents' console examples print what the documents say: each is typed at a terminal,
against a real daemon."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.client import HEAD, Client
from tests.daemons import Daemon, operator_token

ROOT = Path(__file__).parents[2]
VARIES = re.compile(
    r"(?P<id>\b[0-9a-f]{16,32}\b)"
    r"|(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"
    r"|(?P<span>\b\d+(?:\.\d+)? ?s\b|\b\d+m\d\ds\b)"
    r"|(?P<rest>^…$)"
    r"|(?P<space> +)"
)
PATTERNS = {
    "id": r"([0-9a-f]+)",
    "time": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
    "span": r"[\d.]+ ?s",
    "rest": r"(?s:.*)",
    "space": r"\s+",
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon("all", tmp_path_factory.mktemp("chatd")) as running:
        yield running


def examples(document: str) -> Iterator[tuple[str, str]]:
    """Each command of a document's console blocks, with what it is said to print."""
    for block in re.findall(
        r"^```console\n(.*?)^```", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL
    ):
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = example.partition("\n")
            yield command, printed.rstrip()


def to_pattern(printed: str) -> tuple[str, list[str]]:
    """A regular expression for what is said to be printed, and the ids in it: they, times and spans
    vary, and so does white space."""
    ids: list[str] = []
    pattern = ""
    for line in printed.splitlines():
        at = 0
        for found in VARIES.finditer(line):
            pattern += re.escape(line[at : found.start()]) + PATTERNS[found.lastgroup or ""]
            ids += [found["id"]] if found["id"] else []
            at = found.end()
        pattern += re.escape(line[at:]) + r"\s*"
    return pattern, ids


def typed(command: str, daemon: Daemon) -> str:
    """The text that a terminal of 120 columns shows when this is typed."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TERM": "xterm",
        "CHATD_URI": daemon.uri,
        "CHATD_DATA_DIR": str(daemon.folder),
        "XDG_CONFIG_HOME": str(daemon.folder / "config"),
    }
    environment.pop("COLUMNS", None)
    with subprocess.Popen(
        ["sh", "-c", command], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the terminal's other end is closed
                break
        os.close(ours)
        assert process.wait(10) == 0, shown
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown.decode()).replace("\r", "")


async def reject_one(daemon: Daemon) -> None:
    """The story that the documents tell before they list dead letters: bob's laptop could not
    decrypt an event."""
    token = operator_token(daemon.folder)
    async with (
        Client(daemon.uri, token, profile="alice") as alice,
        Client(daemon.uri, token, profile="bob") as bob,
        bob.stream("laptop", start=HEAD) as stream,
    ):
        await stream.caught_up()
        ack = await alice.send("lobby", "good evening")
        async for delivery in stream:
            if delivery.seq == ack.seq:
                stream.reject(delivery, "cannot decrypt")
                stream.acknowledge()
                break


async def test_the_examples_print_what_the_documents_say(daemon: Daemon) -> None:
    """In the order in which they are read. An id is used as this daemon gave it."""
    real_ids: dict[str, str] = {}
    for document in ("README.md", "chatctl/README.md"):
        for command, printed in examples(document):
            if not re.match("chatctl|printf", command):
                continue  # starts chatd, which runs here already
            if command == "chatctl dead-letter list":
                await reject_one(daemon)
            for said, real in real_ids.items():
                command = command.replace(said, real)
            if "tail" in command and not re.search("--until|--count", command):
                command = command.partition(" #")[0] + " --until-caught-up"  # it would go on until Ctrl-C
            pattern, ids = to_pattern(printed)
            shown = typed(command, daemon).strip()
            found = re.fullmatch(pattern, shown)
            assert found, f"{document}: {command}\nshows:\n{shown}\nnot:\n{printed}"
            real_ids |= dict(zip(ids, found.groups(), strict=True))
