"""chatctl key: the public key of the user's own pair."""

import typer

from chatctl.arguments import AsJson
from chatctl.invocation import options, output
from chatd.client import client_key


def key(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the public key of --key-file, for the token that it belongs to.

    Example: chatctl --key-file bob.key key
    """
    pair = client_key(options(context).key_file)
    if pair is None:
        raise typer.BadParameter("it must be given", param_hint="--key-file")
    output(context, as_json).one({"key": pair.public.hex()})
