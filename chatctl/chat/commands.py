"""The commands of the input line, in one table, and how a line is read."""

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass

from chatctl.chat import acts
from chatctl.chat.lines import Paragraph
from chatctl.chat.talk import Talk
from chatd.errors import InvalidArgument

Act = Callable[[Talk, str], Coroutine[None, None, str]]


@dataclass(frozen=True, slots=True)
class Command:
    """``names``: the first is shown, the others are what IRC calls it. ``completes``: what Tab
    completes behind it, "rooms" or "profiles". ``act`` None: the screen does it itself."""

    names: tuple[str, ...]
    arguments: str
    what: str
    act: Act | None
    completes: str = ""


COMMANDS = (
    Command(("room", "join", "j"), "[ROOM]", "go to a room; to the next unread one", acts.room, "rooms"),
    Command(("rooms", "list"), "[TEXT]", "your rooms, and what is unread there", acts.rooms),
    Command(("create",), "[ROOM] [PROFILE…]", "make a room with these members", acts.create, "profiles"),
    Command(("msg", "query"), "PROFILE [TEXT]", "talk to one person alone", acts.message, "profiles"),
    Command(("add", "invite"), "PROFILE…", "make them members of this room", acts.add, "profiles"),
    Command(("remove", "kick"), "PROFILE…", "end their membership (the owner may)", acts.remove, "profiles"),
    Command(("leave", "part"), "[ROOM]", "leave this room, or another", acts.leave, "rooms"),
    Command(("topic", "name"), "[NAME]", "name this room (the owner may)", acts.topic),
    Command(("names",), "", "who is in this room", acts.names),
    Command(("who", "whois"), "[PROFILE…]", "who is online", acts.who, "profiles"),
    Command(("me",), "TEXT", "say what you do", acts.me, "profiles"),
    Command(("receipts",), "[SEQ]", "who has received and read it", acts.receipts),
    Command(("search",), "TEXT", "look for words in this room", None),
    Command(("away",), "", "others see that you are away", acts.away),
    Command(("busy",), "", "others see that you are busy", acts.busy),
    Command(("back",), "", "others see that you are here", acts.back),
    Command(("help", "h"), "", "this list", None),
    Command(("quit", "exit", "q"), "", "end", None),
)

KEYS = (
    ("Tab", "complete a name, a room, a command"),
    ("Up, Down", "what you wrote before"),
    ("PgUp, PgDn", "older lines, newer ones"),
    ("Ctrl-N, Ctrl-P", "the next room, the one before"),
    ("F1", "this list"),
    ("Esc", "to the newest line"),
    ("Ctrl-C", "end"),
)


def parse(text: str) -> tuple[Command, str] | str:
    """A command and what stands behind it, or a text to send: ``//`` begins a text with a slash,
    and several lines are never a command. Raises InvalidArgument if there is no such command."""
    if not text.startswith("/") or "\n" in text:
        return text
    if text.startswith("//"):
        return text[1:]
    name, _, rest = text[1:].partition(" ")
    for command in COMMANDS:
        if name.casefold() in command.names:
            return command, rest
    known = " ".join(f"/{command.names[0]}" for command in COMMANDS)
    raise InvalidArgument(f"there is no /{name}; there are {known}. A text with a slash begins with //")


def explained() -> Iterator[Paragraph]:
    """The commands and the keys, for people."""
    for command in COMMANDS:
        usage = f"/{command.names[0]} {command.arguments}".strip()
        others = f" (/{', /'.join(command.names[1:])})" if len(command.names) > 1 else ""
        yield Paragraph(usage, f"{usage:<26} {command.what}{others}")
    yield Paragraph("space", "")
    for key, what in KEYS:
        yield Paragraph(key, f"{key:<26} {what}")
    yield Paragraph("marks", "Marks: … waits to be sent  ! was refused  ✓ received  ✓✓ read  @ mentions you")
