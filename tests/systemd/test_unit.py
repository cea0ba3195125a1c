"""The unit's promises about chatd; `make check` has systemd itself verify the rest."""

import re
from pathlib import Path
from typing import get_args

import pytest

from chatd.daemon.mode import Mode
from chatd.daemon.settings.node import NodeSection

FOLDER = Path(__file__).parents[2] / "systemd"


@pytest.fixture
def service() -> dict[str, list[str]]:
    """The keys of [Service], each with its values in the order of the file."""
    found: dict[str, list[str]] = {}
    section = (FOLDER / "chatd@.service").read_text().partition("[Service]\n")[2].partition("\n[")[0]
    for key, value in re.findall(r"^(\w+)=(.*)$", section, re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


def test_stopping_has_time_to_drain(service: dict[str, list[str]]) -> None:
    """`all` drains its gateway and then its default node."""
    assert seconds(service["TimeoutStopSec"][-1]) > 2 * NodeSection.model_fields["drain_seconds"].default


def test_the_modes_are_the_instances(service: dict[str, list[str]]) -> None:
    manual = (FOLDER / "README.md").read_text()
    assert service["ExecStart"][-1].endswith("/bin/chatd run %i")
    assert all(f"chatd@{mode}" in manual for mode in get_args(Mode))


def test_a_reload_is_a_hangup(service: dict[str, list[str]]) -> None:
    """By the shell's own kill: minimal systems have no /bin/kill."""
    assert service["ExecReload"] == ["/bin/sh -c 'kill -HUP \"$MAINPID\"'"]


def test_libzmq_may_set_its_scheduling(service: dict[str, list[str]]) -> None:
    """Allowed again after what removes it: in the other order libzmq aborts the process."""
    removed, *allowed_again = [
        line for line in service["SystemCallFilter"] if re.search("@resources|sched_setscheduler", line)
    ]
    assert removed.startswith("~")
    assert any("sched_setscheduler" in line.split() for line in allowed_again)


def test_bad_settings_are_not_tried_again(service: dict[str, list[str]]) -> None:
    """2 is what ``chatd.daemon.cli`` exits with for a ConfigError."""
    assert (service["Restart"], service["RestartPreventExitStatus"]) == (["always"], ["2"])
