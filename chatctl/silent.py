"""Processes that were asked and did not answer."""

from collections.abc import Sequence

import typer

from chatctl.output import Output

FAILED = 1


def say_silent(out: Output, silent: Sequence[str]) -> None:
    """Name them, and end chatctl as a failure, if there are any."""
    for name in silent:
        out.say(f"{name} did not answer")
    if silent:
        raise typer.Exit(FAILED)
