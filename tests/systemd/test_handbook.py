"""Every command of README.md is run: by a test of this folder or by the machine test."""

import inspect
import re

from chatd.daemon.settings.settings import FIELDS
from tests.systemd import test_database_sections
from tests.systemd.handbook import README, blocks
from tests.systemd.machine import life, mistakes, several
from tests.systemd.test_monitoring import rules

TOLD = {"Secrets": 1, "Several processes": 1}
"""Blocks of settings that the machine test writes, by their sections."""
OTHERS = {"Monitoring": 1}
"""Blocks that are another program's settings."""


def run_by_the_machine_test() -> set[tuple[str, int]]:
    """The blocks of commands that its scenes name, by section and number."""
    found = set()
    for scenes in (life, mistakes, several):
        text = inspect.getsource(scenes)
        for section, number in re.findall(r'commands\("([^"]+)"(?:, (\d))?\)', text):
            found.add((section, int(number or 0)))
    return found | {life.FUNCTIONS}


def test_every_block_is_run_somewhere() -> None:
    numbers: dict[str, int] = {}
    written = set()
    for section, language, _ in blocks():
        if language == "sh":
            written.add((section, numbers.setdefault(section, 0)))
            numbers[section] += 1
    by_tests = {one for one in written if one[0] in test_database_sections.SECTIONS}
    assert written - by_tests == run_by_the_machine_test()


def test_every_block_of_settings_is_used() -> None:
    found: dict[str, int] = {}
    for section, language, _ in blocks():
        if language != "sh":
            assert language in ("toml", "ini", "yaml")
            found[section] = found.get(section, 0) + 1
    assert found == TOLD | OTHERS
    text = inspect.getsource(several)
    assert all(f'settings("{section}")' in text for section in TOLD)


def test_the_settings_that_it_sets_exist() -> None:
    named = {
        name
        for _, language, text in blocks()
        for name in re.findall(
            r"^([a-z_]+) = " if language == "toml" else r"(?:'|n)([a-z_]{5,}) = |LoadCredential=([a-z_]+):",
            text,
            re.MULTILINE,
        )
        for name in ((name,) if isinstance(name, str) else name)
        if name
    }
    assert len(named) > 8
    assert named - {"mode"} <= FIELDS.keys()


def test_every_alarm_has_a_line_in_the_runbook() -> None:
    told = re.findall(r"^\| (Chatd\w+) \|", README.read_text(), re.MULTILINE)
    assert told == [rule["alert"] for rule in rules()]
