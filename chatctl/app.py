"""The command line of ``chatctl``: all commands in one place, and the exit codes.

0 done · 1 the service refused or failed · 2 usage · 3 the service is degraded (status, check) · 69
the service cannot be reached
"""

import io
import os
import sys
from collections.abc import Collection
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from chatctl import completion
from chatctl.anywhere import spread
from chatctl.arguments import AsJson
from chatctl.forms import Form
from chatctl.invocation import Options
from chatctl.plain_values import read_plainly
from chatctl.reader import ReaderGone
from chatctl.times import age
from chatctl.token_file import TOKENS_FILE
from chatd import __version__
from chatd.errors import ChatdError, ConfigError, TimedOut, Unavailable
from chatd.help import command_line
from chatd.text import escaped

USAGE = 2
UNREACHABLE = 69  # EX_UNAVAILABLE of sysexits.h

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="Exits with 0: done; 1: the service refused or failed; 2: wrong usage; 3: the service is degraded "
    "(status, check); 69: the service cannot be reached.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = {
    "room": ("rooms:app", "Create rooms, look at them, change their members."),
    "member": ("members:app", "List, add and remove members, give them roles, ban profiles."),
    "invitation": ("invitations:app", "List invitations to rooms, accept, decline or withdraw them."),
    "proposal": ("proposals:app", "List changes that wait for approval, approve or reject them."),
    "block": ("blocks:app", "Block profiles, unblock them, list them."),
    "outbox": ("outbox:app", "Look at the events that devices are owed."),
    "dead-letter": ("dead_letters:app", "Look at deliveries that were given up, try or drop them."),
    "device": ("devices:app", "Look at devices, forget them, say how they are notified."),
    "notify": ("notifications:app", "Look at notifications of devices that are away, try them."),
    "profile": ("profiles:app", "Erase profiles."),
    "token": ("tokens:app", "Revoke tokens, see which are revoked."),
    "send": ("send:send", "Send events to a room."),
    "tail": ("tail:tail", "Be a device: show its events as they come, acknowledge them."),
    "search": ("search:search", "Find messages by the words of their texts."),
    "read": ("read_markers:read", "Say that all events up to one have been read."),
    "unread": ("read_markers:unread", "Show what is unread."),
    "receipts": ("receipts:receipts", "Show who has received and read an event."),
    "presence": ("presence:presence", "Show who is online."),
    "watch": ("watch:watch", "Show events as they come, without being a device."),
    "chat": ("chat.command:chat", "Talk in a terminal: rooms, history, who is online."),
    "top": ("top.command:top", "Watch chatd on the whole screen."),
    "stat": ("stat:stat", "Print a line of rates each second."),
    "latency": ("latency:latency", "Measure the real way of an event."),
    "check": ("check:check", "Check what an operator would look at, and say what to do."),
    "report": ("report:app", "See the busiest rooms and senders, and who is furthest behind."),
    "why": ("why:why", "Say why an event has or has not reached a device."),
    "trace": ("trace:trace", "Show the frames of a device's stream as they pass."),
    "connections": ("connections:connections", "List the devices that are connected now."),
    "connection": ("connections:app", "End connections."),
    "status": ("status:status", "Show the counters of a node and of all gateways."),
    "nodes": ("nodes:nodes", "List default nodes and gateways."),
    "gateway": ("drains:gateway", "Take a gateway out of service, let it serve again."),
    "node": ("drains:node", "Take a default node out of service, let it serve again."),
    "log-level": ("log_level:log_level", "Set the level of running processes' logs."),
    "reload": ("reload:reload", "Let processes read settings, tokens and keys again."),
    "audit": ("audit:audit", "Show what operators did, and what was refused."),
    "context": ("context:app", "Name services: address, token file and profile."),
    "cheat": ("cheat:cheat", "Show lines to copy."),
    "man": ("man:man", "Write the manual pages to a folder."),
    "conformance": ("conformance:conformance", "Judge a client that somebody writes."),
    "key": ("key:key", "Show the public key of your own pair."),
}
"""Each command's module and what it is there, and a line for the list of all commands, which is in
this order."""


def register(words: Collection[str]) -> None:
    """Import the commands that ``words`` may name; of the others only the names are known. A
    command brings messages and the client, which take longer than all else at the start."""
    for name, (place, summary) in COMMANDS.items():
        if name not in words:
            app.command(name=name, help=summary)(_not_imported)
            continue
        module, _, attribute = place.partition(":")
        command = getattr(import_module(f"chatctl.{module}"), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, short_help=summary)
        else:
            app.command(name=name, short_help=summary)(command)


def _not_imported() -> None:
    """Stands for a command in the list of all: one that is run has been named."""


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
        "commas, the first that answers is used. Default: the context's, else tcp://127.0.0.1:7400.",
        show_default=False,
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
        envvar=[*TOKENS_FILE],
        help="chatd's token file. Default: the context's, else the one of chatd's settings ($CHATD_CONFIG, "
        "/etc/chatd/chatd.toml), else in chatd's data directory: $CHATD_DATA_DIR, the settings' one, "
        "$STATE_DIRECTORY, /var/lib/chatd, $XDG_DATA_HOME/chatd or ~/.local/share/chatd.",
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        envvar="CHATCTL_KEY_FILE",
        help="Your own key pair, for a token that is good with it only; made if missing. Default: a new pair.",
    ),
]
Profile = Annotated[
    str,
    typer.Option(
        "--as",
        envvar="CHATD_PROFILE",
        metavar="PROFILE",
        autocompletion=completion.profiles,
        help="Act for this profile (operators may).",
        show_default=False,
    ),
]
ContextName = Annotated[
    str,
    typer.Option(
        "--context",
        metavar="NAME",
        autocompletion=completion.contexts,
        help="Take address, token file and profile from this context; default: $CHATCTL_CONTEXT, else the "
        "one in use (chatctl context use). An option beats the environment, which beats the context; one "
        "that is named here beats the environment.",
        show_default=False,
    ),
]
Output = Annotated[
    Form | None,
    typer.Option(
        "--output",
        "-o",
        help="The form; default: table on a terminal, plain (tabs between cells) in a pipe. csv is for "
        "spreadsheets.",
        show_default=False,
    ),
]
NoHeaders = Annotated[bool, typer.Option("--no-headers", help="No headings above lists.")]
Sort = Annotated[
    str,
    typer.Option(
        "--sort", metavar="COLUMN[:desc]", help="Sort the rows that are listed.", show_default=False
    ),
]
Watch = Annotated[
    bool, typer.Option("--watch", "-w", help="List again and again; in a pipe under a line with the time.")
]
Every = Annotated[
    float,
    typer.Option(
        "--every", min=0.1, help="Seconds between two looks of --watch; default: 2.", show_default=False
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
    uri: Uri = "",
    token: Token = "",
    token_file: TokenFile = None,
    key_file: KeyFile = None,
    profile: Profile = "",
    timeout: Timeout = 10.0,
    as_json: AsJson = False,
    context_name: ContextName = "",
    form: Output = None,
    no_headers: NoHeaders = False,
    sort: Sort = "",
    watch: Watch = False,
    every: Every = 2.0,
    version: Version = False,
) -> None:
    """Talk to chatd: send and tail events, look into rooms and outboxes.

    These options may stand behind the command, too.

    Start here: chatctl --as alice room create lobby bob · chatctl --as bob tail ·
    chatctl --as alice send lobby hello
    """
    context.obj = Options(
        uri,
        token,
        token_file,
        key_file,
        profile,
        timeout,
        as_json,
        form,
        headers=not no_headers,
        context=context_name,
        sort=sort,
        watch=watch,
        every=every,
    )


def main() -> None:
    """The console script. A traceback is shown only if CHATCTL_DEBUG is set."""
    nowhere = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    # One that the caller has closed is None: nobody wants to hear it.
    sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a character the terminal lacks is no failure
    words = sys.argv[1:]
    if "_CHATCTL_COMPLETE" in os.environ:
        line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")
        words = line.split()
    try:
        if "--version" not in words[:1]:
            register(COMMANDS if words[:1] == ["man"] else words)
        commands = command_line(app)
        assert isinstance(commands, TyperGroup)
        spread(commands)
        read_plainly(commands)
        commands(prog_name="chatctl")
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
    name = f" ({exc.name})" if isinstance(exc, ChatdError) and exc.name else ""
    retry_after_us = exc.retry_after_ms * 1_000 if isinstance(exc, ChatdError) else 0
    later = f"; try again in {age(retry_after_us)}" if retry_after_us else ""
    sys.stderr.write(f"chatctl: {escaped(str(exc)) or type(exc).__name__}{later}{name}\n")
    sys.exit(code)
