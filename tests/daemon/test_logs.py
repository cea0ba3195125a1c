"""Logs as a process writes them."""

import json
import subprocess
import sys

import pytest

HOSTILE = '\x1b[31mred\n{"fake": 1}\u202e'


AUDIT = (
    "from chatd.core.audit import *; from chatd.daemon.logs import say_audit\n"
    "say_audit(AuditLine(AuditKind.ACT, 'ops', '', '::1', 'g', 'S/Method', 'room_id=r'))"
)


def logged(style: str, code: str, level: str = "info") -> str:
    """The lines that ``code`` makes a process write to stderr; ``log`` and HOSTILE are there for
    it."""
    setup = (
        "import asyncio, logging, warnings, structlog\nfrom chatd.daemon.logs import configure\n"
        f"configure({level!r}, {style!r})\nlog = structlog.get_logger()\nHOSTILE = {HOSTILE!r}\n"
    )
    return subprocess.run(
        [sys.executable, "-c", setup + code], capture_output=True, text=True, check=True
    ).stderr


@pytest.mark.parametrize("style", ["json", "text"])
@pytest.mark.parametrize(
    "code",
    [
        "log.info('A device said something', client=HOSTILE)",
        "logging.getLogger('asyncio').error('lost: %s', HOSTILE)",
        "warnings.warn(HOSTILE)",
    ],
    ids=["field", "library", "warning"],
)
def test_hostile_text_is_escaped_on_its_one_line(style: str, code: str) -> None:
    written = logged(style, code)
    assert written.count("\n") == 1
    assert "\x1b" not in written
    assert "\u202e" not in written
    assert "red" in written


def test_json_has_a_sentence_and_fields() -> None:
    record = json.loads(logged("json", "log.warning('A node is slow', node='n1', ms=7)"))
    record.pop("timestamp")
    assert record == {"level": "warning", "message": "A node is slow", "node": "n1", "ms": 7}


@pytest.mark.parametrize("style", ["json", "text"])
def test_a_traceback_keeps_its_lines_and_fakes_none(style: str) -> None:
    written = logged(
        style, "try:\n    raise ValueError(HOSTILE)\nexcept ValueError:\n    log.exception('It failed')"
    )
    assert "\x1b" not in written
    first, *rest = (
        json.loads(written)["exception"] if style == "json" else written.partition("\n")[2].rstrip("\n")
    ).split("\n")
    assert first == "  Traceback (most recent call last):"
    assert len(rest) > 2
    assert all(line.startswith("  ") for line in rest)


def test_the_message_stands_first() -> None:
    assert logged("json", "log.info('hello', a=1)").startswith('{"message": "hello", "a": 1')
    assert " hello " in logged("text", "log.info('hello', a=1)").partition("a=")[0]


def test_levels_are_respected() -> None:
    code = "log.info('quiet'); logging.getLogger('x').info('quiet'); log.warning('loud')"
    assert [json.loads(line)["message"] for line in logged("json", code, level="warning").splitlines()] == [
        "loud"
    ]


def test_auto_is_json_without_a_terminal() -> None:
    assert json.loads(logged("auto", "log.info('hello')"))["message"] == "hello"


@pytest.mark.parametrize("level", ["debug", "error"])
def test_audit_lines_are_said_at_every_level(level: str) -> None:
    record = json.loads(logged("json", AUDIT, level))
    record.pop("timestamp")
    assert record == {
        "level": "notice",
        "message": "An operator changed something",
        "audit": True,
        "profile": "ops",
        "address": "::1",
        "gateway": "g",
        "what": "S/Method",
        "objects": "room_id=r",
        "outcome": "done",
    }
    assert "S/Method" in logged("text", AUDIT, level)


def test_the_journal_gets_priorities() -> None:
    """Every line of a record has its priority, and only on the stream that goes to the journal."""
    code = (
        "import os, sys\ns = os.fstat(2)\nos.environ['JOURNAL_STREAM'] = f'{s.st_dev}:{s.st_ino}'\n"
        "configure('debug', STYLE)\n"
        "log.debug('d'); log.info('i'); log.warning('w'); log.error('e'); log.critical('c')\n"
        f"{AUDIT}\n"
        "try:\n    raise ValueError(HOSTILE)\nexcept ValueError:\n    log.exception('x')"
    )
    written = logged("json", f"STYLE = 'auto'\n{code}").splitlines()
    assert [line[:3] for line in written] == ["<7>", "<6>", "<4>", "<3>", "<2>", "<5>", "<3>"]
    assert json.loads(written[1][3:])["message"] == "i"
    text = logged("json", f"STYLE = 'text'\n{code}").splitlines()
    assert len(text) > 9, "with the lines of the traceback"
    assert {line[:3] for line in text[6:]} == {"<3>"}
    elsewhere = "import os\nos.environ['JOURNAL_STREAM'] = '1:1'\nconfigure('info', 'auto')\nlog.info('i')"
    assert logged("json", elsewhere).startswith("{")
