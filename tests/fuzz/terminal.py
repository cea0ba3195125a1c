"""The fuzz target of chatctl's output: whatever a stranger has called a thing, no form of output
holds a control character or an escape that is not chatctl's own. An input is the text."""

import csv
import io
import json
import re
from contextlib import redirect_stderr, redirect_stdout

from chatctl.columns import Column
from chatctl.forms import Form
from chatctl.output import Output
from tests.fuzz.text import HARMFUL
from tests.fuzz.text import SEEDS as TEXTS

COLUMNS = (Column[str]("name", "name", get=str), Column[str]("size", "size", get=len))
OURS = {"\n", "\t"}
FORMULA = tuple("=+-@＝＋－＠")
BOLD = re.compile(r"\x1b\[[01]m")
"""Around the headings of tables."""


class Terminal(io.StringIO):
    """Output that is a terminal."""

    def isatty(self) -> bool:
        return True


def check(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for form in Form:
        for kind in (io.StringIO, Terminal):
            shown, said = kind(), kind()
            with redirect_stdout(shown), redirect_stderr(said):
                output = Output(form)
                output.rows([text, "x"], COLUMNS, more=text)
                output.details(text, COLUMNS)
                output.item(text, COLUMNS)
                output.one({"thing": text})
                if not form.structured:
                    output.text(text)
                output.say(text)
            for written in (shown.getvalue(), said.getvalue()):
                assert not (HARMFUL - OURS).intersection(BOLD.sub("", written))
                written.encode()
            if form is Form.JSON and kind is io.StringIO:
                assert json.loads(shown.getvalue().splitlines()[0])[0]["name"] == text
            if form is Form.CSV:
                assert not [row for row in csv.reader(shown.getvalue().splitlines()) if row[0][:1] in FORMULA]


SEEDS = TEXTS | {
    "markup": b"[bold red]x[/] [link=http://x]y[/link]",
    "formula": b"=cmd|' /C calc'!A0",
    "csv": b'a,"b"\n=1,@x',
    "tabs": b"a\tb\nc\r\nd",
    "osc": b"\x1b]0;title\x07\x1b]8;;http://x\x1b\\x",
    "title": "\x9d0;title\x9c".encode(),
}
