"""The command line of ``chatd keys``: this process's key pair, and the keys of others that it
trusts. The commands work on files, whether chatd runs or not; SIGHUP has a running chatd read them
again.

Like ``cli`` it imports the settings only when a command runs.
"""

import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatd.daemon.database_commands import check_user
from chatd.daemon.mode import Mode
from chatd.errors import ConfigError
from chatd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatd.daemon.settings import Settings
    from chatd.files.key_file import Keys

app = typer.Typer(
    no_args_is_help=True, help="Show and change this process's key, and the keys that it trusts."
)

Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML file of settings; environment variables beat it."),
]
OfMode = Annotated[Mode, typer.Option("--mode", help="The mode of the process that has the key.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.command()
def show(mode: OfMode = "all", config: Config = None, as_json: AsJson = False) -> None:
    """Show the public key, and the addresses that devices and gateways use.

    A missing key is made.

    Example: chatd keys show --mode gateway
    """
    from chatd.files.key_file import load_keys  # here: see above

    settings = _settings(mode, config)
    path = _file(settings)
    if not path.exists():
        check_user(path)
    _show(settings, load_keys(path, create=True), as_json)


@app.command()
def rotate(
    mode: OfMode = "all",
    finish: Annotated[bool, typer.Option("--finish", help="Drop the old key.")] = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Change the key, in two steps.

    The first step adds the next key: after a reload both are good, and devices are told of the next
    one. When all know it, --finish drops the old one.

    Example: chatd keys rotate && systemctl reload chatd@all
    """
    from chatd.files.key_file import begin_rotation, end_rotation, load_keys  # here: see above

    settings = _settings(mode, config)
    path = _file(settings)
    load_keys(path, create=False)  # nothing is made where there is none
    with _alone(path):
        keys = (end_rotation if finish else begin_rotation)(path)
    _show(settings, keys, as_json)
    typer.echo("Let chatd read it: systemctl reload, or kill -HUP.", err=True)


@app.command()
def trust(
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="A public key, or an address with #KEY behind it.")
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is, for people.")] = "",
    config: Config = None,
) -> None:
    """Let the process with this public key connect as a gateway or a node.

    Example: chatd keys trust 5e31… gateway-2
    """
    from chatd.files.trusted_keys import read_trusted, write_trusted  # here: see above

    path, public = _trusted_file(config), _key(key)
    with _alone(path):
        write_trusted(path, {**read_trusted(path), public: one_line(name).strip()})


@app.command()
def untrust(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The public key, or the name.")],
    config: Config = None,
) -> None:
    """Trust a key no longer.

    Example: chatd keys untrust gateway-2
    """
    from chatd.files.trusted_keys import read_trusted, write_trusted  # here: see above

    path, digits = _trusted_file(config), key.rpartition("#")[2].lower()
    with _alone(path):
        trusted = read_trusted(path)
        left = {one: name for one, name in trusted.items() if key != name and digits != one.hex()}
        if len(left) == len(trusted):
            raise ConfigError(f"{path} has no such key or name")
        write_trusted(path, left)


@app.command()
def trusted(config: Config = None, as_json: AsJson = False) -> None:
    """List the keys that are trusted."""
    from chatd.files.trusted_keys import read_trusted  # here: see above

    found = read_trusted(_trusted_file(config))
    if as_json:
        typer.echo(json.dumps([{"key": key.hex(), "name": name} for key, name in found.items()], indent=2))
        return
    for key, name in found.items():
        typer.echo(f"{key.hex()}  {name}".rstrip())


def _settings(mode: Mode, config: Path | None) -> "Settings":
    from chatd.daemon.loading import settings_of  # here: see above

    return settings_of(mode, config)


def _file(settings: "Settings") -> Path:
    return settings.node.keys(settings.place)


def _trusted_file(config: Path | None) -> Path:
    return _settings("default", config).node.trusted()


@contextmanager
def _alone(path: Path) -> "Iterator[None]":
    """The new text is made of the one that was read: two commands at once would lose one's change.
    Raises ConfigError, and StartFailed while another one changes the file."""
    from chatd.files.claim import Claim  # here: see above

    check_user(path)
    with Claim(path.with_name(f"{path.name}.lock"), str(path), f"chatd keys, pid {os.getpid()}"):
        yield


def _key(text: str) -> bytes:
    from chatd.core.address import parse_key  # here: see above

    return parse_key(text.rpartition("#")[2])


def _show(settings: "Settings", keys: "Keys", as_json: bool) -> None:
    """The newest key is the one that others are to know."""
    found = {"file": str(_file(settings)), "key": keys.newest.public.hex()}
    if keys.following is not None:
        found["old_key"] = keys.current.public.hex()
    found |= dict(_addresses(settings, keys))
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    width = max(map(len, found)) + 1
    for name, value in found.items():
        typer.echo(f"{name.replace('_', ' ') + ':':<{width}} {value}")


def _addresses(settings: "Settings", keys: "Keys") -> "Iterator[tuple[str, str]]":
    """The addresses that devices and gateways use. One whose port is chosen when it is bound is
    left out, and so is one inside the process."""
    from chatd.core.address import Address, Listening, reached_at  # here: see above
    from chatd.gateway.public_address import public_address

    gateway, host = settings.gateway, settings.node.public_host
    if settings.mode != "default":
        listening = Listening.parse(gateway.gateway_uri)
        if gateway.gateway_public_uri or not listening.endpoint.endswith(":*"):
            publics = keys.public if listening.is_encrypted else ()
            yield (
                "gateway_uri",
                str(public_address(gateway.gateway_public_uri, host, listening.endpoint, publics)),
            )
    if settings.mode != "gateway":
        listening = Listening.parse(settings.calls.uris(settings.place)[0])
        if not listening.endpoint.startswith("inproc:") and not listening.endpoint.endswith(":*"):
            key = keys.newest.public if listening.is_encrypted else b""
            yield "default_uri", str(Address(reached_at(listening.endpoint, host), key))
