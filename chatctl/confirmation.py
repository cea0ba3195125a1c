"""The question before something is done that cannot be taken back."""

import sys

import typer


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal, and end chatctl unless the answer is yes. ``yes``: it was given as --yes.

    Raises typer.BadParameter if nobody can be asked.
    """
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise typer.BadParameter("nobody can be asked, because the input is no terminal: give --yes")
    typer.confirm(question, abort=True, err=True)
