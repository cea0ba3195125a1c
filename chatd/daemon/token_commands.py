"""chatd token …: the token file of this machine's gateways. No token is an argument, and only
``issue`` prints one, once."""

import os
import re
import secrets
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatd.errors import ConfigError
from chatd.text import escaped

if TYPE_CHECKING:
    from chatd.gateway.authentication.tokens_edit import Entry

app = typer.Typer(
    no_args_is_help=True, help="Add tokens to the file that gateways read, and list those it holds."
)

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Profile = Annotated[str, typer.Argument(metavar="PROFILE", help="The profile that the token is for.")]
Operator = Annotated[bool, typer.Option("--operator", help="An operator's token.")]
Scopes = Annotated[
    list[str], typer.Option("--scope", help="An operator's scope: read, operate or erase. Default: all.")
]
Devices = Annotated[
    list[str], typer.Option("--device", help="A device that it may stream for. Default: any.")
]
Key = Annotated[str, typer.Option("--key", help="The public key that its client must have (chatctl key).")]
Expires = Annotated[
    str, typer.Option("--expires", help="A time (2027-11-01T00:00:00Z), or a span from now, such as 30d.")
]
File = Annotated[
    Path | None, typer.Option("--file", help="The token file. Default: the one that the settings name.")
]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="TOML file of settings.")]


@app.command()
def issue(
    profile: Profile,
    operator: Operator = False,
    scopes: Scopes = [],  # noqa: B006  typer copies it
    devices: Devices = [],  # noqa: B006
    key: Key = "",
    expires: Expires = "",
    file: File = None,
    config: Config = None,
) -> None:
    """Make a token, add its SHA-256 to the file, and print the token. It is shown nowhere else.

    Example: chatd token issue bob --device phone --expires 30d
    """
    token = secrets.token_urlsafe(32)
    _add(token, _entry(profile, operator, scopes, devices, key, expires), _path(file, config))
    typer.echo(token)


@app.command()
def add(
    profile: Profile,
    operator: Operator = False,
    scopes: Scopes = [],  # noqa: B006
    devices: Devices = [],  # noqa: B006
    key: Key = "",
    expires: Expires = "",
    file: File = None,
    config: Config = None,
) -> None:
    """Read a token from standard input, and add its SHA-256 to the file.

    Example: pass show bob | chatd token add bob
    """
    if sys.stdin.isatty():
        typer.echo("The token, then Enter:", err=True)
    token = sys.stdin.readline().strip()
    if not token:
        raise ConfigError("standard input holds no token")
    _add(token, _entry(profile, operator, scopes, devices, key, expires), _path(file, config))


@app.command(name="list")
def list_(file: File = None, config: Config = None) -> None:
    """List the file's entries, none of its tokens: the SHA-256 of each, its profile, its rights.

    Example: chatd token list
    """
    from chatd.gateway.authentication.tokens_file import load_tokens  # here: see cli.py

    typer.echo("\t".join(("sha256", "profile", "role", "devices", "key", "issued", "expires")))
    for one in load_tokens(_path(file, config), create=False):
        role = " ".join(sorted(scope.value for scope in one.scopes)) or "user"
        devices = " ".join(sorted(one.devices)) or "any"
        key = "bound" if one.key else "any"
        times = (_shown(one.issued_at), _shown(one.expires_at))
        typer.echo("\t".join(map(escaped, (one.digest.hex(), one.profile_id, role, devices, key, *times))))


def _shown(seconds: float) -> str:
    if not 0.0 < seconds < float("inf"):
        return "-"
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _path(file: Path | None, config: Path | None) -> Path:
    from chatd.daemon.loading import settings_of  # here: see cli.py

    if file is not None:
        return file
    settings = settings_of("gateway", config)
    return settings.authentication.tokens(settings.place)


def _entry(
    profile: str, operator: bool, scopes: list[str], devices: list[str], key: str, expires: str
) -> "Entry":
    from chatd.gateway.authentication.tokens_edit import Entry  # here: see cli.py

    entry = Entry(
        profile,
        scopes=tuple(dict.fromkeys(scopes)),
        devices=tuple(dict.fromkeys(devices)),
        key=key,
        issued=_toml_time(datetime.now(UTC)),
        expires=_time(expires) if expires else "",
    )
    return replace(entry, role="operator") if operator or scopes else entry


def _time(text: str) -> str:
    """A time or a span from now, as TOML has it. Raises ConfigError."""
    span = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if span:
        return _toml_time(datetime.now(UTC) + timedelta(seconds=int(span[1]) * _SECONDS[span[2]]))
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ConfigError(
            f"--expires {text[:40]!a} is neither a time with its offset, such as 2027-11-01T00:00:00Z, nor a "
            f"span such as 30d"
        )
    return _toml_time(time.astimezone(UTC))


def _toml_time(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")


def _add(token: str, entry: "Entry", path: Path) -> None:
    from chatd.gateway.authentication.tokens_edit import add_token  # here: see cli.py

    add_token(path, token, entry, f"chatd token, pid {os.getpid()}")
    typer.echo(f"{path} has it; gateways read it at SIGHUP (systemctl reload)", err=True)
