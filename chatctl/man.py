"""chatctl man: the manual pages of chatctl."""

from pathlib import Path
from typing import Annotated

import typer

from chatctl.arguments import AsJson
from chatctl.invocation import output
from chatd.man import write_pages


def man(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Made if it is missing.")],
    as_json: AsJson = False,
) -> None:
    """Write chatctl's manual pages to a folder, for packages or for man -l. They say what --help
    says.

    Example: chatctl man ~/.local/share/man/man1
    """
    output(context, as_json).names("page", list(map(str, write_pages(context.find_root(), folder))))
