"""The fuzz target of chatctl's output: whatever a stranger has called a thing, no form of output
holds a control character or an escape that is not chatctl's own. An input is the text."""

import io
import json
import re
from contextlib import redirect_stderr, redirect_stdout

from chatctl.columns import Column
from chatctl.output import Output
from tests.fuzz.text import HARMFUL
from tests.fuzz.text import SEEDS as TEXTS

COLUMNS = (Column[str]("name", "name", get=str), Column[str]("size", "size", get=len))
OURS = {"\n", "\t"}
BOLD = re.compile(r"\x1b\[[01]m")
"""Around the headings of tables."""


class Terminal(io.StringIO):
    """Output that is a terminal."""

    def isatty(self) -> bool:
        return True


def check(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for as_json in (False, True):
        for kind in (io.StringIO, Terminal):
            shown, said = kind(), kind()
            with redirect_stdout(shown), redirect_stderr(said):
                output = Output(as_json=as_json)
                output.rows([text, "x"], COLUMNS, more=text)
                output.details(text, COLUMNS)
                output.item(text, COLUMNS)
                output.one({"thing": text})
                if not as_json:
                    output.text(text)
                output.say(text)
            for written in (shown.getvalue(), said.getvalue()):
                assert not (HARMFUL - OURS).intersection(BOLD.sub("", written))
                written.encode()
            if as_json and kind is io.StringIO:
                assert json.loads(shown.getvalue().splitlines()[0])[0]["name"] == text


SEEDS = TEXTS | {
    "markup": b"[bold red]x[/] [link=http://x]y[/link]",
    "tabs": b"a\tb\nc\r\nd",
    "osc": b"\x1b]0;title\x07\x1b]8;;http://x\x1b\\x",
    "title": "\x9d0;title\x9c".encode(),
}
