"""The command line of ``chatctl``: all commands in one place, and the exit codes.

0 done · 1 the service refused or failed · 2 usage · 3 the service is degraded (status) · 69 the
service cannot be reached
"""

import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from chatctl import dead_letters, devices, notifications, outbox, profiles, rooms, tokens
from chatctl.arguments import AsJson
from chatctl.audit import audit
from chatctl.connections import connections
from chatctl.invocation import Options
from chatctl.nodes import nodes
from chatctl.output import ReaderGone
from chatctl.presence import presence
from chatctl.read_markers import read, unread
from chatctl.receipts import receipts
from chatctl.send import send
from chatctl.status import status
from chatctl.tail import tail
from chatctl.times import age
from chatctl.top.command import top
from chatctl.why import why
from chatd import __version__
from chatd.errors import ChatdError, ConfigError, TimedOut, Unavailable
from chatd.text import escaped

USAGE = 2
UNREACHABLE = 69  # EX_UNAVAILABLE of sysexits.h

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(rooms.app, name="room")
app.add_typer(outbox.app, name="outbox")
app.add_typer(dead_letters.app, name="dead-letter")
app.add_typer(devices.app, name="device")
app.add_typer(notifications.app, name="notify")
app.add_typer(profiles.app, name="profile")
app.add_typer(tokens.app, name="token")
app.command()(send)
app.command()(tail)
app.command()(read)
app.command()(unread)
app.command()(receipts)
app.command()(presence)
app.command()(top)
app.command()(why)
app.command()(connections)
app.command()(status)
app.command()(nodes)
app.command()(audit)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chatctl {__version__}")
        raise typer.Exit


Uri = Annotated[
    str,
    typer.Option(
        "--uri",
        envvar="CHATD_URI",
        help="The gateway. Of several, separated by commas, the first that answers is used.",
    ),
]
Token = Annotated[
    str,
    typer.Option(
        "--token",
        envvar="CHATD_TOKEN",
        help="Your token; default: the token file's first operator.",
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
    profile: Profile = "",
    timeout: Timeout = 10.0,
    as_json: AsJson = False,
    version: Version = False,
) -> None:
    """Talk to chatd: send and tail events, look into rooms and outboxes.

    Start here: chatctl --as alice room create lobby bob · chatctl --as bob tail ·
    chatctl --as alice send lobby hello
    """
    context.obj = Options(uri, token, token_file, profile, timeout, as_json)


def main() -> None:
    """The console script. A traceback is shown only if CHATCTL_DEBUG is set."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a character the terminal lacks is no failure
    try:
        app()
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
