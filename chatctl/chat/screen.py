"""The screen: rooms at the left, the room in view in the middle, its members at the right, the
input line below. A narrow terminal shows the middle alone."""

import asyncio
from collections.abc import Coroutine

from rich.text import Text
from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Input, Static

from chatctl.chat import frame
from chatctl.chat.commands import explained, parse
from chatctl.chat.completion import Completer, completions
from chatctl.chat.entry import Entry
from chatctl.chat.log import Log
from chatctl.chat.modals import Found, Reading
from chatctl.chat.room import Room
from chatctl.chat.search import Search
from chatctl.chat.talk import Talk
from chatctl.columns import counted
from chatctl.top.modals import Question
from chatd.errors import ChatdError

REFRESH_SECONDS = 0.05
"""Between two looks at what has changed."""
WELCOME = "/help lists commands and keys; /room ROOM goes to a room, /create ROOM PROFILE… makes one"


class Chat(App[ChatdError]):
    """Returns the error that ended the stream; None if the user ended the screen."""

    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (64, "-normal"), (96, "-wide")]  # noqa: RUF012
    CSS = """
    #title { height: 1; width: 100%; background: $primary; padding: 0 1; }
    #rooms { width: 20; height: 1fr; padding: 0 1 0 0; border-right: solid $primary; }
    #log, #found { height: 1fr; width: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
    #members { width: 20; height: 1fr; padding: 0 0 0 1; border-left: solid $primary; }
    #status { height: 1; width: 100%; text-style: italic; }
    Entry { height: 1; border: none; padding: 0; }
    .-narrow #rooms, .-narrow #members, .-normal #members { display: none; }
    Question, Reading { align: center middle; }
    #question { width: auto; max-width: 90%; height: auto; border: solid; padding: 1 2; }
    #reading { width: 95%; height: 90%; border: solid; }
    """
    BINDINGS = [  # noqa: RUF012  Textual reads it from the class
        Binding("ctrl+c,ctrl+q", "leave", "end", priority=True),
        Binding("f1", "help", "help"),
        Binding("ctrl+n", "step(1)", "next room"),
        Binding("ctrl+p", "step(-1)", "room before"),
        Binding("pageup", "page(-1)", "older", show=False),
        Binding("pagedown", "page(1)", "newer", show=False),
        Binding("escape", "newest", "newest", show=False),
    ]

    def __init__(self, talk: Talk) -> None:
        super().__init__()
        self._talk = talk
        talk.on_change = self._changed
        talk.on_mention = self._mentioned
        self._is_due = False
        self._was_asked = False
        self._shown_room = ""
        self._drawn: dict[str, Text] = {}
        self._drafts: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        with Horizontal():
            yield Static(id="rooms")
            yield Log(id="log")
            yield Static(id="members")
        yield Static(id="status")
        yield Entry(Completer(self._completions), id="entry")

    def on_mount(self) -> None:
        self._talk.note(WELCOME)
        self.query_one(Entry).focus()
        self._follow()
        self.set_interval(1.0, self._show_status)  # who writes is over after some seconds

    @work
    async def _follow(self) -> None:
        try:
            await self._talk.follow()
        except ChatdError as exc:
            self.exit(exc)

    # Showing

    def _changed(self) -> None:
        """Show it soon; many changes at once are one. The stream calls this, too, so it is no timer
        of Textual's, which would have to be set from within."""
        if not self._is_due and self.is_running:
            self._is_due = True
            asyncio.get_running_loop().call_later(REFRESH_SECONDS, self.call_later, self._refresh)

    def _refresh(self) -> None:
        self._is_due = False
        if not self.is_running or len(self.screen_stack) > 1:
            return  # it ended; or a window is open, and its end refreshes
        talk, room, log = self._talk, self._talk.current, self.query_one(Log)
        if room.room_id != self._shown_room:
            self._change_room(room)
        log.show([*room.paragraphs(), *talk.outbox.paragraphs(room.room_id, talk.me)])
        self._update("rooms", frame.rooms(talk, log.size.height))
        self._update("members", frame.members(talk, log.size.height))
        self._show_status()
        if log.follows and self.app_focus and room.is_loaded and room.head_seq > room.read_seq:
            talk.ask(talk.read(room))

    def _change_room(self, room: Room) -> None:
        entry = self.query_one(Entry)
        if self._shown_room:  # else what was begun before the first room came goes along
            self._drafts[self._shown_room] = entry.value
            entry.value = self._drafts.pop(room.room_id, "")
            entry.cursor_position = len(entry.value)
        self._shown_room = room.room_id
        self.query_one(Log).to_end()

    def _show_status(self) -> None:
        if not self.is_running or len(self.screen_stack) > 1:
            return
        self._update("title", frame.title(self._talk))
        self._update("status", frame.status(self._talk, follows=self.query_one(Log).follows))

    def _update(self, name: str, text: Text) -> None:
        """Draw it, if it is not as it was: lines may be slow."""
        if text != self._drawn.get(name):
            self._drawn[name] = text
            self.query_one(f"#{name}", Static).update(text)

    def _mentioned(self) -> None:
        self.bell()

    def on_resize(self) -> None:
        self._changed()

    def on_app_focus(self) -> None:
        self._changed()

    # Keys and commands of the user

    @on(Log.AtTop)
    def _read_older(self) -> None:
        if len(self.screen_stack) == 1:
            self._talk.ask(self._talk.older(self._talk.current))

    @on(Entry.Changed)
    def _typing(self, event: Input.Changed) -> None:
        is_command = event.value.startswith("/") and not event.value.startswith("//")
        self._talk.ask(self._talk.typing(bool(event.value.strip()) and not is_command))

    @on(Entry.Said)
    def _entered(self, event: Entry.Said) -> None:
        self._do(event.text)

    @on(Entry.Pasted)
    @work
    async def _pasted(self, event: Entry.Pasted) -> None:
        lines = event.text.split("\n")
        begin = "\n".join(lines[:5]) + ("\n…" if len(lines) > 5 else "")
        question = f"Send these {len(lines):,} lines as one message?"
        if await self.push_screen_wait(Question(question, begin)):
            self._do(event.text)
        self._changed()

    def _do(self, text: str) -> None:
        try:
            parsed = parse(text)
        except ChatdError as exc:
            self._talk.note(f"! {exc}")
            return
        if isinstance(parsed, str):
            self._say(parsed)
            return
        command, rest = parsed
        if command.act is not None:
            self._act(command.act(self._talk, rest))
            return
        match command.names[0]:
            case "search":
                self._search(rest.strip())
            case "help":
                self.action_help()
            case _:
                self.action_leave()

    def _say(self, text: str) -> None:
        if not self._talk.current.room_id:
            self._talk.note(f"! no room is in view; {WELCOME}")
            return
        self._talk.say(text)
        self.query_one(Log).to_end()

    @work
    async def _act(self, act: Coroutine[None, None, str]) -> None:
        try:
            said = await act
        except ChatdError as exc:
            said = f"! {exc} ({exc.name})"
        if said and self.is_running:
            self._talk.note(said)
            self.query_one(Log).to_end()

    def _search(self, text: str) -> None:
        room = self._talk.current
        if text and room.room_id:
            self.push_screen(Found(self._talk, Search(room.room_id, text)), lambda _: self._changed())
        else:
            self._talk.note("! /search TEXT looks for a text in the room in view")

    def action_help(self) -> None:
        """The commands and the keys."""
        self.push_screen(Reading("chatctl chat · Esc: back", list(explained())), lambda _: self._changed())

    def action_leave(self) -> None:
        """End; not while texts wait, unless it is asked for twice."""
        waiting = len(self._talk.outbox)
        if waiting and not self._was_asked:
            self._was_asked = True
            self._talk.note(
                f"! {counted(waiting, 'text')} not sent yet; /quit or Ctrl-C again ends all the same"
            )
            return
        self.exit()

    def action_step(self, step: int) -> None:
        """To the next room, or the one before."""
        rooms = sorted(self._talk.rooms)
        if rooms:
            here = self._talk.current.room_id
            at = rooms.index(here) if here in rooms else 0
            self._talk.ask(self._talk.go_to(rooms[(at + step) % len(rooms)]))

    def action_page(self, pages: int) -> None:
        self.query_one(Log).page(pages)
        self._changed()

    def action_newest(self) -> None:
        self.query_one(Log).to_end()
        self._changed()

    def _completions(self, before: str) -> list[str]:
        """Those who spoke last come first."""
        room = self._talk.current
        return completions(before, rooms=sorted(self._talk.rooms), profiles=room.people())
