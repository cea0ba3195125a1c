"""From options to a client: where the gateway is, whose token is used, as whom."""

import asyncio
import os
import tomllib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import typer

from chatctl import output
from chatd.client import Client

R = TypeVar("R")
MAX_SEQ = 2**63 - 1
"""The largest seq that a database holds: what options about one accept."""


@dataclass(slots=True)
class Options:
    """The global options. ``timeout`` is in seconds."""

    uri: str
    token: str
    token_file: Path | None
    profile: str
    timeout: float
    as_json: bool

    def output(self, as_json: bool) -> output.Output:
        """``as_json``: the command's own --json."""
        return output.Output(as_json=self.as_json or as_json)

    def client(self) -> Client:
        """Raises typer.BadParameter when there is no token to use."""
        return Client(
            [uri.strip() for uri in self.uri.split(",")],
            self.token or _first_token(self.token_file),
            profile=self.profile,
            call_timeout=self.timeout,
            client_name="chatctl",
        )


def options(context: typer.Context) -> Options:
    """The global options of this invocation."""
    found: Options = context.obj
    return found


def run(context: typer.Context, action: Callable[[Client], Awaitable[R]]) -> R:
    """Connect, do it, close."""
    client = options(context).client()

    async def connected() -> Any:
        async with client:
            return await action(client)

    result: R = asyncio.run(connected())
    return result


def _default_token_file() -> Path:
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "chatd"
    for name in ("CHATD_DATA_DIR", "STATE_DIRECTORY"):
        if os.environ.get(name):
            return Path(os.environ[name]) / "tokens.toml"
    system = Path("/var/lib/chatd/tokens.toml")
    return system if os.access(system, os.R_OK) else home / "tokens.toml"


def _first_token(path: Path | None) -> str:
    """The first operator's token of the daemon's token file, or its first token."""
    path = path or _default_token_file()
    try:
        tokens = tomllib.loads(path.read_text())["tokens"]
        operators = [token for token, entry in tokens.items() if entry.get("role") == "operator"]
        return str((operators or list(tokens))[0])
    except FileNotFoundError as exc:
        raise typer.BadParameter(f"no token: {path} does not exist; give --token or --token-file, or start chatd first") from exc
    except OSError as exc:
        raise typer.BadParameter(f"no token: {path} cannot be read ({exc.strerror}); give --token") from exc
    except (KeyError, IndexError, AttributeError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise typer.BadParameter(f"{path} is not a token file of chatd") from exc
