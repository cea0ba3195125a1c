"""Manual pages, made of the same commands as --help: a page for the program, and one for each of
its commands with all that is below it."""

import re
from collections.abc import Iterator
from pathlib import Path

from typer._click import Command, Context
from typer.core import TyperArgument, TyperCommand, TyperGroup

from chatd import __version__
from chatd.errors import os_error

_EXAMPLE = re.compile(r"\bExample: *")


def write_pages(root: Context, folder: Path) -> list[Path]:
    """Write all pages of a program to a folder, which is made. Returns their paths. Raises
    StartFailed if that cannot be."""
    assert isinstance(root.command, TyperGroup)
    commands = [
        Context(command, info_name=name, parent=root)
        for name, command in root.command.commands.items()
        if not command.hidden
    ]
    pages = {_title(context): _page(context) for context in commands}
    others = sorted(pages)
    pages[_title(root)] = _page(root, see=others)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for title, page in pages.items():
            (folder / f"{title}.1").write_text(page, encoding="utf-8")
    except OSError as exc:
        raise os_error(f"the pages cannot be written to {folder}", exc) from exc
    return [folder / f"{title}.1" for title in sorted(pages)]


def _title(context: Context) -> str:
    return context.command_path.replace(" ", "-")


def _page(context: Context, see: list[str] | None = None) -> str:
    """``see``: the pages of a program's commands."""
    title, command = _title(context), context.command
    program = context.find_root().info_name or ""
    lines = [
        f'.TH {_text(title.upper())} 1 "" "chatd {__version__}" "{program}"',
        ".nh",
        ".ad l",
        ".SH NAME",
        f"{_text(title)} \\- {_text(_summary(command).rstrip('.'))}",
        ".SH SYNOPSIS",
    ]
    leaves = [context] if see is not None else list(_leaves(context))
    for number, leaf in enumerate(leaves):
        lines += [".br"] * (number > 0) + [_synopsis(leaf)]
    lines += [".SH DESCRIPTION", *_description(command)]
    if see is not None and isinstance(command, TyperGroup):
        lines.append(".SH COMMANDS")
        for name, below in command.commands.items():
            if not below.hidden:
                lines += [".TP", f"\\fB{_text(name)}\\fR", _text(_summary(below))]
        lines += _options(context, ".SH OPTIONS")
    elif leaves == [context]:
        lines += _options(context, ".SH OPTIONS")
    else:
        for leaf in leaves:
            lines += [f'.SH "{_text(leaf.command_path.upper())}"', *_description(leaf.command)]
            lines += _options(leaf, ".PP")
    if isinstance(context.command, TyperGroup) and context.command.epilog:
        lines += [".SH NOTES", *_paragraphs(context.command.epilog)]
    also = see if see is not None else [program]
    lines += [".SH SEE ALSO", ",\n".join(f".BR {_text(one)} (1)" for one in also).replace(",\n", " ,\n")]
    return "\n".join(lines) + "\n"


def _leaves(context: Context) -> Iterator[Context]:
    """The commands at and below this one."""
    if not isinstance(context.command, TyperGroup):
        yield context
        return
    for name, below in context.command.commands.items():
        if not below.hidden:
            yield from _leaves(Context(below, info_name=name, parent=context))


def _summary(command: Command) -> str:
    """The first sentence, or the line that lists of commands have."""
    assert isinstance(command, TyperCommand | TyperGroup)
    text = command.short_help or (command.help or "").partition("\n\n")[0]
    return re.split(r"(?<=\.) ", " ".join(text.split()))[0]


def _synopsis(context: Context) -> str:
    words = " ".join(context.command.collect_usage_pieces(context))
    return f"\\fB{_text(context.command_path)}\\fR {_text(words)}"


def _description(command: Command) -> list[str]:
    return _paragraphs(command.help or "")


def _paragraphs(text: str) -> list[str]:
    """Each under its own macro; an example is shown as it is typed."""
    lines: list[str] = []
    for paragraph in text.strip().split("\n\n"):
        before, *example = _EXAMPLE.split(" ".join(paragraph.split()), maxsplit=1)
        if before:
            lines += [".PP", _text(before)]
        if example:
            lines += [".PP", "Example:", ".RS 4", f"\\fB{_text(example[0])}\\fR", ".RE"]
    return lines


def _options(context: Context, heading: str) -> list[str]:
    lines = []
    for parameter in context.command.get_params(context):
        found = parameter.get_help_record(context)
        if found is not None:
            names, text = found
            name = f"\\fI{_text(names)}\\fR" if isinstance(parameter, TyperArgument) else _names(names)
            lines += [".TP", name, _text(" ".join(text.split())) or "\\&"]
    return [heading, *lines] if lines else []


def _names(names: str) -> str:
    """Options in bold."""
    return re.sub(r"(?<![\w\\])((?:\\-){1,2}[\w\\-]+)", r"\\fB\1\\fR", _text(names))


def _text(text: str) -> str:
    """Text that troff shows as it is."""
    shown = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("'", "\\(aq")
    shown = shown.replace("`", "\\(ga").replace("^", "\\(ha").replace("~", "\\(ti")
    return f"\\&{shown}" if shown.startswith(".") else shown
