"""Priorities by name."""

import typer

from chatd.client import BULK, HIGHEST, NORMAL, URGENT

NAMES = {"bulk": BULK, "normal": NORMAL, "urgent": URGENT, "highest": HIGHEST}


def parse_priority(given: str | int) -> int:
    """The priority of a name or a number. Raises typer.BadParameter."""
    text = str(given)
    if text in NAMES:
        return NAMES[text]
    try:
        number = int(text)
    except ValueError:
        number = HIGHEST + 1
    if not BULK <= number <= HIGHEST:
        names = ", ".join(NAMES)
        raise typer.BadParameter(f"{text!a} is neither {names} nor a number from {BULK} to {HIGHEST}")
    return number
