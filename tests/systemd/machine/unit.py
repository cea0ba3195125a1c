"""A unit inside the machine: its state, its journal, and waiting for both."""

import json
import time
from collections.abc import Callable

from tests.systemd.machine.machine import Machine


class Unit:
    """``name`` is the instance's: the unit is chatd@NAME."""

    def __init__(self, machine: Machine, name: str) -> None:
        self._machine = machine
        self.name = f"chatd@{name}"

    def show(self, key: str) -> str:
        """One of its properties."""
        return self._machine.run(f"systemctl show --value -p {key} {self.name}").strip()

    @property
    def status(self) -> str:
        """The state, and the text that chatd gave."""
        return f"{self.show('ActiveState')}: {self.show('StatusText')}"

    def until(self, text: str, seconds: float = 60) -> str:
        """Wait until its status has this text; the status."""
        until(lambda: text in self.status, lambda: f"{self.name} is {self.status}, not {text}", seconds)
        return self.status

    def lines(self, since: str, text: str) -> list[str]:
        """The journal's lines of chatd's own with ``text``."""
        # Not --after-cursor: with -u it leaves out one line too many (systemd 252).
        cursor = f"--cursor='{since}'" if since else ""
        found = self._machine.run(f"journalctl -q --no-pager -u {self.name} {cursor} -o json")
        records = [json.loads(line) for line in found.splitlines()]
        later = [one for one in records if one["__CURSOR"] != since and one.get("_COMM") != "systemd"]
        said = [str(one["MESSAGE"]) for one in later]
        return [line for line in said if text in line]

    def said(self, since: str, text: str, seconds: float = 60) -> list[str]:
        """The same, when there is one."""
        until(lambda: bool(self.lines(since, text)), lambda: f"{self.name} has not said {text}", seconds)
        return self.lines(since, text)

    def mark(self) -> str:
        """The present end of the journal."""
        shown = self._machine.run("journalctl -q -n 1 -o cat --show-cursor").splitlines()[-1]
        return shown.removeprefix("-- cursor: ")


def until(condition: Callable[[], bool], failing: Callable[[], str], seconds: float = 60) -> None:
    """Wait for a condition. Raises AssertionError with ``failing``."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(failing())
        time.sleep(0.2)
