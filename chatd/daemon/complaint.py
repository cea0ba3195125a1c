"""The reason why the process does not start, on stderr: there may be no log yet."""

import sys

from chatd.daemon.logs import PRIORITIES, is_journal
from chatd.text import escaped


def complain(problem: str) -> None:
    """Each line on one of its own, as an error where journald reads it."""
    priority = f"<{PRIORITIES['error']}>" if is_journal() else ""
    for line in problem.splitlines():
        sys.stderr.write(f"{priority}chatd: {escaped(line)}\n")
