"""chatctl conformance: judges a client that somebody writes, by the statements of PROTOCOL.md."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from chatctl.arguments import AsJson
from chatctl.columns import Column, Columns, counted
from chatctl.invocation import output
from chatd.conformance import CHECKS, CONTRACT, Check, Outcome, Verdict, judge

BAD = 1

Command = Annotated[
    list[str] | None,
    typer.Argument(metavar="COMMAND…", help="The client's program and its first words.", show_default=False),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="CHECK", help="Only this check; may be repeated.", show_default=False),
]
Contract = Annotated[
    bool, typer.Option("--contract", help="Show how COMMAND is run, and what it has to print.")
]
Listed = Annotated[bool, typer.Option("--list", help="List the checks, and run none.")]

CHECK_COLUMNS: Columns[Check] = (
    Column("check", "check", get=lambda one: one.name),
    Column("word", "word", get=lambda one: one.level.value),
    Column("what a client does", "title"),
)
COLUMNS: Columns[Verdict] = (
    Column("check", "check", get=lambda one: one.check.name),
    Column("is", "verdict", get=lambda one: one.outcome.value, bad=lambda one: one.outcome is Outcome.BAD),
    Column("what a client does", "title", get=lambda one: one.check.title),
    Column("found", "reason"),
    Column("", "seconds", get=lambda one: round(one.seconds, 1)),
)


def conformance(
    context: typer.Context,
    command: Command = None,
    only: Only = None,
    listed: Listed = False,
    contract: Contract = False,
    as_json: AsJson = False,
) -> None:
    """Play the gateway to a client in any language, judge it by the statements of PROTOCOL.md.
    Exits with 1 if it does not do what it MUST.

    Example: chatctl conformance -- node client.js
    """
    shown = output(context, as_json)
    checks = _chosen(only or [])
    if contract:
        for line in CONTRACT.splitlines():
            shown.text(line)
        return
    if listed:
        shown.rows(checks, CHECK_COLUMNS)
        return
    if not command:
        raise typer.BadParameter("the client's command is missing: chatctl conformance -- COMMAND…")
    with shown.progress("checks") as done:
        verdicts = asyncio.run(_judge(command, checks, done))
    shown.rows(verdicts, COLUMNS)
    bad = sum(one.outcome is Outcome.BAD for one in verdicts)
    if bad:
        shown.say(f"{counted(bad, 'check')} of {len(verdicts)} failed; proto/PROTOCOL.md has the statements")
        raise typer.Exit(BAD)


def _chosen(names: Sequence[str]) -> list[Check]:
    """The checks of these names; all if there are none. Raises typer.BadParameter."""
    unknown = set(names) - {one.name for one in CHECKS}
    if unknown:
        raise typer.BadParameter(f"no check {sorted(unknown)[0]}; chatctl conformance --list has them all")
    return [one for one in CHECKS if not names or one.name in names]


async def _judge(
    command: Sequence[str], checks: Sequence[Check], done: Callable[[int], None]
) -> list[Verdict]:
    verdicts = []
    async for verdict in judge(command, checks):
        verdicts.append(verdict)
        done(1)
    return verdicts
