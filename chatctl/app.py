"""The command line of ``chatctl``: all commands in one place, and the exit codes.

0 done · 1 the service refused or failed · 2 usage · 3 the service is degraded (status, check) · 69
the service cannot be reached
"""

import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from chatctl.arguments import AsJson
from chatctl.invocation import Options
from chatctl.reader import ReaderGone
from chatctl.times import age
from chatd import __version__
from chatd.errors import ChatdError, ConfigError, TimedOut, Unavailable
from chatd.help import command_line
from chatd.text import escaped

USAGE = 2
UNREACHABLE = 69  # EX_UNAVAILABLE of sysexits.h

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = {
    "room": "rooms:app",
    "outbox": "outbox:app",
    "dead-letter": "dead_letters:app",
    "device": "devices:app",
    "notify": "notifications:app",
    "profile": "profiles:app",
    "token": "tokens:app",
    "send": "send:send",
    "tail": "tail:tail",
    "read": "read_markers:read",
    "unread": "read_markers:unread",
    "receipts": "receipts:receipts",
    "presence": "presence:presence",
    "watch": "watch:watch",
    "top": "top.command:top",
    "stat": "stat:stat",
    "latency": "latency:latency",
    "check": "check:check",
    "why": "why:why",
    "trace": "trace:trace",
    "connections": "connections:connections",
    "connection": "connections:app",
    "status": "status:status",
    "nodes": "nodes:nodes",
    "gateway": "drains:gateway",
    "node": "drains:node",
    "log-level": "log_level:log_level",
    "reload": "reload:reload",
    "audit": "audit:audit",
    "key": "key:key",
}
"""Each command's module and what it is there. Help lists them in this order."""


def register(words: Sequence[str]) -> None:
    """Import the commands that ``words`` may name, or all if they name none: a command brings the
    client and what it needs, which takes longer than all else at the start."""
    for name in [name for name in COMMANDS if name in words] or COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(import_module(f"chatctl.{module}"), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name=name)(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chatctl {__version__}")
        raise typer.Exit


Uri = Annotated[
    str,
    typer.Option(
        "--uri",
        envvar="CHATD_URI",
        help="The gateway; on another machine with its key, tcp://HOST:PORT#KEY. Of several, separated by "
        "commas, the first that answers is used.",
    ),
]
Token = Annotated[
    str,
    typer.Option(
        "--token",
        envvar="CHATD_TOKEN",
        help="Your token; default: the token file's first operator. Here other users of the machine can see "
        "it: use the variable, or a file.",
        show_default=False,
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        envvar="CHATD_TOKENS_FILE",
        help="chatd's token file; default: in its data directory.",
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        envvar="CHATD_KEY_FILE",
        help="Your own key pair, for a token that is good with it only; made if missing. Default: a new pair.",
    ),
]
Profile = Annotated[
    str,
    typer.Option(
        "--as",
        envvar="CHATD_PROFILE",
        metavar="PROFILE",
        help="Act for this profile (operators may).",
        show_default=False,
    ),
]
Timeout = Annotated[float, typer.Option("--timeout", min=0.1, help="Wait this many seconds for an answer.")]
Version = Annotated[
    bool,
    typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
]


@app.callback()
def root(
    context: typer.Context,
    uri: Uri = "tcp://127.0.0.1:7400",
    token: Token = "",
    token_file: TokenFile = None,
    key_file: KeyFile = None,
    profile: Profile = "",
    timeout: Timeout = 10.0,
    as_json: AsJson = False,
    version: Version = False,
) -> None:
    """Talk to chatd: send and tail events, look into rooms and outboxes.

    Start here: chatctl --as alice room create lobby bob · chatctl --as bob tail ·
    chatctl --as alice send lobby hello
    """
    context.obj = Options(uri, token, token_file, key_file, profile, timeout, as_json)


def main() -> None:
    """The console script. A traceback is shown only if CHATCTL_DEBUG is set."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a character the terminal lacks is no failure
    words = sys.argv[1:]
    completes = any(name.endswith("_COMPLETE") for name in os.environ)
    try:
        if "--version" not in words[:1]:
            register(() if completes else words)
        command_line(app)()
    except (TimedOut, Unavailable, TimeoutError) as exc:
        _fail(exc, UNREACHABLE)
    except ConfigError as exc:
        _fail(exc, USAGE)
    except UnicodeEncodeError as exc:
        _fail(ConfigError("an argument is not UTF-8"), USAGE, exc)
    except ReaderGone:
        # No failure. Python flushes stdout at exit and must not fail either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
    except ChatdError as exc:
        _fail(exc, 1)
    except Exception as exc:  # noqa: BLE001  a bug: one line for the user, the traceback with CHATCTL_DEBUG
        _fail(exc, 1)


def _fail(exc: BaseException, code: int, cause: BaseException | None = None) -> None:
    if os.environ.get("CHATCTL_DEBUG"):
        raise exc from cause
    name = f" ({exc.name})" if isinstance(exc, ChatdError) else ""
    retry_after_us = exc.retry_after_ms * 1_000 if isinstance(exc, ChatdError) else 0
    later = f"; try again in {age(retry_after_us)}" if retry_after_us else ""
    sys.stderr.write(f"chatctl: {escaped(str(exc)) or type(exc).__name__}{later}{name}\n")
    sys.exit(code)
