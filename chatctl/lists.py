"""Commands that list: ``--sort`` and ``--watch`` for all of them."""

import io
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import wraps
from typing import Any, TypeVar, cast

import typer

from chatctl.forms import Form
from chatctl.invocation import options, output
from chatctl.reader import ReaderGone
from chatctl.times import clock, now_us
from chatd.errors import ChatdError
from chatd.text import escaped

Command = TypeVar("Command", bound=Callable[..., None])

_WHOLE = "\x1b[H\x1b[J"
"""The cursor to the top, and the screen empty below it."""


def lists(command: Command) -> Command:
    """Mark a command that lists, and let ``--watch`` repeat it."""

    @wraps(command)
    def listing(context: typer.Context, **arguments: Any) -> None:
        given = options(context)
        if not given.watch:
            command(context, **arguments)
            return
        form = output(context, bool(arguments.get("as_json"))).form
        if form in (Form.YAML, Form.CSV):
            raise typer.BadParameter(f"--watch prints tables, plain cells or JSON, and no {form}")
        while True:
            _show(_frame(lambda: command(context, **arguments), form), given.every, form)
            time.sleep(given.every)

    listing.__dict__["is_list"] = True
    return cast(Command, listing)


def is_list(command: Any) -> bool:
    """True for a command that was marked."""
    return bool(getattr(command.callback, "is_list", False))


class _Frame(io.StringIO):
    """The text that one look prints, for the terminal or pipe that gets it."""

    def isatty(self) -> bool:
        return sys.__stdout__ is not None and sys.__stdout__.isatty()


def _frame(look: Callable[[], None], form: Form) -> str:
    """The look's text, with its messages, unless it is for a program; or the reason, while
    there is no answer."""
    frame = _Frame()
    messages = sys.stderr if form is Form.JSON else frame
    with redirect_stdout(frame), redirect_stderr(messages):
        try:
            look()
        except ChatdError as exc:
            if not exc.retry:
                raise
            messages.write(f"no answer: {escaped(str(exc))}\n")
    return frame.getvalue()


def _show(frame: str, every: float, form: Form) -> None:
    """On a terminal the frame takes the place of the one before. In a pipe it follows it, behind a
    line with the time; JSON is a line of its own."""
    if sys.stdout.isatty():
        lines = [f"every {every:g} s, {clock(now_us())}", *frame.splitlines()]
        room = shutil.get_terminal_size().lines - 1
        if len(lines) > room:
            lines[room - 1 :] = [f"and {len(lines) - room + 1:,} lines more; take a smaller --limit"]
        text = _WHOLE + "\n".join(lines) + "\n"
    else:
        text = frame if form is Form.JSON else f"{clock(now_us())}\n{frame}"
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError as exc:
        raise ReaderGone from exc
