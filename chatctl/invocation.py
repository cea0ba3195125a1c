"""One run of chatctl: its global options, the output and the client they describe."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from chatctl.forms import Form
from chatctl.token_file import default_path, first_token

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from chatctl.output import Output
    from chatd.client import Client

R = TypeVar("R")
M = TypeVar("M", bound="Message")


@dataclass(frozen=True, slots=True)
class Options:
    """The global options. ``uri``: a gateway, or several separated by commas; ``timeout``: in
    seconds."""

    uri: str
    token: str
    token_file: Path | None
    key_file: Path | None
    profile: str
    timeout: float
    as_json: bool
    form: Form | None
    headers: bool

    def client(self) -> "Client":
        """A client with these options. Raises typer.BadParameter when no token is found."""
        from chatd.client import Client  # here: chatctl --version and --help do without

        return Client(
            [uri.strip() for uri in self.uri.split(",")],
            self.token or first_token(self.token_file or default_path()),
            profile=self.profile,
            key=self.key_file,
            call_timeout=self.timeout,
            client_name="chatctl",
        )


def options(context: typer.Context) -> Options:
    """The global options of this run."""
    found: Options = context.obj
    return found


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
    return Output(form, headers=given.headers)


def run(context: typer.Context, action: "Callable[[Client], Awaitable[R]]") -> R:
    """Connect a client, run ``action`` with it, close it."""
    import asyncio  # here: see above

    client = options(context).client()

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
