"""The conformance run: good clients are found good, and each fault that is planted into one is
found by the check that is named for it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chatd.conformance import CHECKS, CONTRACT, Level, Outcome, judge
from tests.conformance.examples import EXAMPLES, NAMES, command_of, installed

ROOT = Path(__file__).parents[2]


def chatctl(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "chatctl", "conformance", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )


NOT_JUDGED = {
    "python": {"G2"},
    "node": {"T7", "Z2"},
    "go": {"T7", "Z2"},
    "c": {"T7", "Z2"},
    "shell": {"T7", "Z2"},
}


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_good(name: str, tmp_path: Path) -> None:
    done = chatctl("--json", "--", *command_of(name, tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    verdicts = json.loads(done.stdout)
    assert [one["check"] for one in verdicts] == [check.name for check in CHECKS]
    others = {one["check"]: one["verdict"] for one in verdicts if one["verdict"] != "good"}
    assert others == dict.fromkeys(NOT_JUDGED[name], "not judged"), done.stdout


STREAM, CLIENT = "stream.js", "client.js"
PLANTED = {
    "W4": (STREAM, "up_to: this.acked,", "up_to: this.acked + 1,"),
    "O3": (STREAM, "if (seq <= (this.state.shown[room]?.seq ?? 0)) continue", ""),
    "D1": (STREAM, "this.save()", ""),
    "R7": (CLIENT, "if (skipped) return say", "if (skipped) return; say"),
    "R8": (STREAM, "if (delivery.replay) {", "if (false) {"),
    "R8-repeat": (STREAM, "this.replays.set(", "new Map().set("),
    "H1": (STREAM, "this.say({ heartbeat", "if (false) this.say({ heartbeat"),
    "H5": (STREAM, "if (!error.retry) return this.stop", "if (false) return this.stop"),
    "H7": (STREAM, "const wait = Math.max(", "const wait = 0 * Math.max("),
    "S2-606": (STREAM, "const wait = Math.max(after *", "const wait = Math.max(0 *"),
    "L3": (STREAM, "this.ordinal, ...shown", "this.ordinal"),
    "H10": (STREAM, "Math.max(this.ordinal + 1, Date.now())", "1e13 - Date.now()"),
    "H10-609": (STREAM, "this.overtaken ||= error.code === 609", ""),
    "I2": (STREAM, "if (helloId !== 0 && helloId !== this.helloId) return", ""),
    "C7": (CLIENT, "{ request_id: crypto.randomUUID() }", "{}"),
    "C9": (CLIENT, "event_id: crypto.randomUUID()", "event_id: `of ${text}`"),
    "C11": (
        CLIENT,
        "for (const text of texts) {",
        "await Promise.all(texts.map(one)); async function one(text) {",
    ),
    "E1-401": (CLIENT, "if (reply && !reply.error.retry)", "if (false)"),
}
"""By check: a file of the example, a piece of it, and what stands there instead."""


@pytest.mark.parametrize("name", PLANTED)
async def test_a_planted_fault_is_found_by_its_check(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "client"
    shutil.copytree(EXAMPLES / "node", folder)
    file, good, bad = PLANTED[name]
    text = (folder / file).read_text()
    assert text.count(good) == 1
    (folder / file).write_text(text.replace(good, bad))
    checks = [one for one in CHECKS if one.name == name]
    (found,) = [verdict async for verdict in judge([installed("node"), str(folder / CLIENT)], checks)]
    assert found.outcome is (Outcome.BAD if found.check.level is Level.MUST else Outcome.WEAK), found


async def test_a_client_that_asks_about_something_else_is_found(tmp_path: Path) -> None:
    """The Python example asks; one whose marks are those of the new log is planted."""
    source = (EXAMPLES / "python/client.py").read_text()
    planted = (
        "Resume._forget = lambda self: forget(self) or self.before.update(lobby=RoomMark(room_id='lobby'))"
    )
    client = tmp_path / "client.py"
    client.write_text(
        "from chatd.client.resume import Resume\nfrom chatd.pb.chat.v1.chat_pb2 import RoomMark\n"
        f"forget = Resume._forget\n{planted}\n{source}"
    )
    (check,) = (one for one in CHECKS if one.name == "L7")
    (found,) = [verdict async for verdict in judge([sys.executable, str(client)], [check])]
    assert (found.outcome, "asks about" in found.reason) == (Outcome.BAD, True), found


async def test_a_program_that_ends_at_once_and_one_that_is_not_there() -> None:
    (check,) = (one for one in CHECKS if one.name == "S1")
    reasons = [
        verdict.reason
        for command in (
            [sys.executable, "-c", "import sys; sys.exit('no such command')"],
            ["/no/such/program"],
        )
        async for verdict in judge(command, [check])
    ]
    assert reasons == [
        "it ends, and no connection comes; it said: no such command",
        "it cannot be started: No such file or directory",
    ]


def test_checks_are_named_as_statements_of_the_page() -> None:
    page = (ROOT / "proto/PROTOCOL.md").read_text()
    named = set(re.findall(r"\*\*([A-Z]\d+)\*\*", page))
    names = [check.name for check in CHECKS]
    assert len(names) == len(set(names))
    assert {name.partition("-")[0] for name in names} <= named


def test_the_examples_page_has_the_contract() -> None:
    assert f"```\n{CONTRACT}\n```" in (EXAMPLES / "README.md").read_text()
    assert chatctl("--contract").stdout == CONTRACT + "\n"


def test_the_command() -> None:
    listed = chatctl("--list", "--only", "W4", "--json")
    assert json.loads(listed.stdout) == [
        {"check": "W4", "word": "MUST", "title": "an Ack comes before the window is full"}
    ]
    failing = chatctl("--only", "S1", "--", sys.executable, "-c", "print('hello')")
    assert failing.returncode == 1
    assert "it ends, and no connection comes" in failing.stdout
    assert "1 check of 1 failed" in failing.stderr
    for wrong in (("--only", "Q9", "--", "true"), ()):
        assert chatctl(*wrong).returncode == 2
