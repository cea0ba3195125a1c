"""chatctl chat: the command. Textual is imported when it runs, and is an extra."""

import sys
from typing import Annotated

import typer

from chatctl.invocation import options, run
from chatctl.tail import TakeOver
from chatd.client import Client
from chatd.errors import ConfigError, extra

Device = Annotated[
    str,
    typer.Option(
        "--device",
        "-d",
        help="The profile's device to be. Default: chatctl-chat; with --as a new one, which is forgotten in"
        " the end.",
        show_default=False,
    ),
]


def chat(context: typer.Context, device: Device = "", take_over: TakeOver = False) -> None:
    """Talk in a terminal: your rooms with what is unread, their history, who writes, who is online,
    who has received and read what you said. Write /help there for the commands and keys.

    Example: chatctl chat --uri tcp://chat.example:7400#KEY   (your token is in CHATD_TOKEN)

    Example: chatctl --as alice chat
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError("chat needs a terminal; for pipes there are send and tail with --json")
    with extra("tui", "chatctl chat"):
        from chatctl.chat.run import talk_as  # here: see above
    given = options(context)
    if take_over and not device:
        raise typer.BadParameter("name the device that is to be taken over", param_hint="--device")

    async def talk(client: Client) -> None:
        await talk_as(client, device, profile=given.profile, take_over=take_over, timeout=given.timeout)

    run(context, talk, on_screen=True)
