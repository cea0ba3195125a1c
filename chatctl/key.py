"""chatctl key: the public key of a user's own pair."""

from pathlib import Path
from typing import Annotated

import typer

from chatctl.arguments import AsJson
from chatctl.invocation import output
from chatd.client import client_key


def key(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file of the pair; made if it is missing.")
    ],
    as_json: AsJson = False,
) -> None:
    """Show the public key of your own pair, for a token that is to be good with it only.

    chatctl --key-file uses the pair. Example: chatctl key bob.key
    """
    pair = client_key(file)
    assert pair is not None
    output(context, as_json).one({"key": pair.public.hex()})
