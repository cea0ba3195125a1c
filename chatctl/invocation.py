"""One run of chatctl: its global options, the output and the client they describe."""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from chatctl import contexts
from chatctl.forms import Form
from chatctl.token_file import TOKENS_FILE, first_token, own_token

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from chatctl.output import Output
    from chatd.client import Client

R = TypeVar("R")
M = TypeVar("M", bound="Message")

HERE = "tcp://127.0.0.1:7400"
"""The gateway if nothing else is said."""


@dataclass(frozen=True, slots=True)
class Options:
    """The global options. ``uri``: a gateway, or several separated by commas; ``timeout``: in
    seconds; ``context``: one that is named for this run alone. ``sort``, ``watch`` and ``every``
    (in seconds) are of commands that list."""

    uri: str
    token: str
    token_file: Path | None
    key_file: Path | None
    profile: str
    timeout: float
    as_json: bool
    form: Form | None
    headers: bool
    context: str
    sort: str = ""
    watch: bool = False
    every: float = 2.0

    def client(self, *, speaks: bool = False) -> "Client":
        """A client with these options. ``speaks``: it says when it has to wait. Raises
        typer.BadParameter when no token is found."""
        from chatctl.waiting import SpeakingClient  # here: chatctl --version and --help do without
        from chatd.client import Client

        return (SpeakingClient if speaks else Client)(
            [uri.strip() for uri in self.uri.split(",")],
            self.token or (first_token(self.token_file) if self.token_file else own_token()),
            profile=self.profile,
            key=self.key_file,
            call_timeout=self.timeout,
            client_name="chatctl",
        )


def options(context: typer.Context) -> Options:
    """The global options of this run, with those of the context that is in use. Raises
    typer.BadParameter if there is no such context."""
    given: Options = context.obj
    return _with_context(given, contexts.chosen(given.context))


def _with_context(given: Options, chosen: contexts.ServiceContext | None) -> Options:
    """An option beats the environment, and the environment the context; but a context that is named
    by an option beats the environment too."""
    held = chosen or contexts.ServiceContext("")

    def beaten(value: object, *variables: str) -> bool:
        return not value or (bool(given.context) and str(value) in map(os.environ.get, variables))

    token, token_file = given.token, given.token_file
    if held.token_file and beaten(token_file, *TOKENS_FILE):
        token_file = Path(held.token_file)
        if given.context and token == os.environ.get("CHATD_TOKEN"):
            token = ""
    return replace(
        given,
        uri=(held.uri if beaten(given.uri, "CHATD_URI") else "") or given.uri or HERE,
        token=token,
        token_file=token_file,
        profile=(held.profile if beaten(given.profile, "CHATD_PROFILE") else "") or given.profile,
    )


def output(context: typer.Context, as_json: bool) -> "Output":
    """The output of this run. ``as_json`` is the command's own --json. Raises typer.BadParameter if
    it is contradicted."""
    from chatctl.output import Output  # here: see above

    given = options(context)
    form = given.form
    if given.as_json or as_json:
        if form not in (None, Form.JSON):
            raise typer.BadParameter(f"--json is --output json, and not {form}")
        form = Form.JSON
    return Output(form, headers=given.headers, sort_by=given.sort)


def run(context: typer.Context, action: "Callable[[Client], Awaitable[R]]", *, on_screen: bool = False) -> R:
    """Connect a client, run ``action`` with it, close it. ``on_screen``: the action has the whole
    terminal, and nothing else is written there."""
    import asyncio  # here: see above

    client = options(context).client(speaks=not on_screen)

    async def connected() -> R:
        async with client:
            return await action(client)

    return asyncio.run(connected())


def call(
    context: typer.Context,
    method: str,
    request: "Message",
    response_type: type[M],
    *,
    affinity: str = "",
    repeatable: bool = True,
) -> M:
    """Make one call of the service, as ``Client.call`` does."""
    return run(
        context,
        lambda client: client.call(method, request, response_type, affinity=affinity, repeatable=repeatable),
    )
