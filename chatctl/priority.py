"""Priorities as people say them."""

import typer

from chatd.client import BULK, HIGHEST, NORMAL, URGENT

NAMES = {"bulk": BULK, "normal": NORMAL, "urgent": URGENT, "highest": HIGHEST}


def parse_priority(given: str | int) -> int:
    """A name or a number. Raises typer.BadParameter."""
    text = str(given)
    if text in NAMES:
        return NAMES[text]
    try:
        number = int(text)
    except ValueError:
        number = HIGHEST + 1
    if not BULK <= number <= HIGHEST:
        raise typer.BadParameter(f"{text!a} is neither {', '.join(NAMES)} nor a number from {BULK} to {HIGHEST}")
    return number
