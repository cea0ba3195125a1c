"""The members that a text calls, in the ways people do it in IRC and elsewhere."""

import re
from collections.abc import Iterable

_CALL = re.compile(r"(?:^|(?<=\s))@(\S+)|^(\S+?)[:,](?=\s)")
MAX_MENTIONS = 100
"""The most in one event (PROTOCOL.md)."""
_BEHIND = ".,:;!?)"
"""Marks that may stand behind a name."""


def mentioned(text: str, members: Iterable[str]) -> tuple[str, ...]:
    """The members that a text calls: ``bob: …`` at its beginning, ``@bob`` anywhere."""
    called = {name for found in _CALL.finditer(text) for name in found.groups() if name}
    called |= {name.rstrip(_BEHIND) for name in called}
    return tuple(sorted(called.intersection(members)))[:MAX_MENTIONS]
