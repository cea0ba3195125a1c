"""chatctl dead-letter …: events that devices rejected or could not take. Their contents are never
shown."""

from collections.abc import Sequence
from typing import Annotated

import typer

from chatctl.absent import Absent
from chatctl.arguments import AfterPlace, AsJson, Limit, OnlyDevice, OnlyProfile, OnlyRoom, Yes
from chatctl.columns import Column, Columns, counted, unlisted, yes_no
from chatctl.confirmation import confirm
from chatctl.deliveries import reason_name
from chatctl.invocation import call, output, run
from chatctl.lists import lists
from chatctl.many_letters import DROP, REPLAY, Filter, Kind, handle_all, matching
from chatctl.output import Output
from chatctl.paging import next_page
from chatctl.times import age_since, clock
from chatd.pb.admin.v1 import admin_pb2

app = typer.Typer(
    no_args_is_help=True,
    help="See events that devices rejected or could not take; replay or drop them. Operators only.",
)

LetterIds = Annotated[
    list[str] | None,
    typer.Argument(metavar="LETTER", help="Ids of dead letters, as list shows them.", show_default=False),
]
Everything = Annotated[
    bool, typer.Option("--all", help="All, or all that are of --profile, --device and --room.")
]

COLUMNS: Columns[admin_pb2.DeadLetter] = (
    Column("letter", "letter_id"),
    Column("profile", "profile_id"),
    Column("device", "device_id"),
    Column("room", "room_id", get=lambda letter: letter.event.room_id),
    Column("seq", "seq", get=lambda letter: letter.event.seq),
    unlisted("event_id", get=lambda letter: letter.event.event_id),
    unlisted("sender_id", get=lambda letter: letter.event.sender_id),
    unlisted("type", get=lambda letter: letter.event.type),
    unlisted("sent_at_us", get=lambda letter: letter.event.sent_at_us, detail=clock),
    Column("reason", "reason", str.lower, get=lambda letter: reason_name(letter.reason)),
    unlisted("text"),
    Column("attempts", "attempts"),
    unlisted("first_failed_at_us", detail=clock),
    Column("dead for", "dead_at_us", age_since, detail=clock),
    Column("replaying", "replaying", yes_no),
)


@app.command(name="list")
@lists
def list_(
    context: typer.Context,
    profile: OnlyProfile = "",
    device: OnlyDevice = "",
    room: OnlyRoom = "",
    after: AfterPlace = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List dead letters, the newest first.

    Example: chatctl dead-letter list --profile bob
    """
    request = admin_pb2.ListDeadLettersRequest(
        profile_id=profile,
        device_id=device,
        room_id=room,
        limit=limit,
        after=after,
    )
    page = call(context, "AdminService/ListDeadLetters", request, admin_pb2.ListDeadLettersResponse)
    output(context, as_json).rows(page.letters, COLUMNS, more=next_page(page.more, page.next_after))


@app.command()
def show(
    context: typer.Context,
    letter: Annotated[str, typer.Argument(metavar="LETTER", help="The dead letter's id.")],
    as_json: AsJson = False,
) -> None:
    """Show one dead letter: the event, the device, the reason, the number of attempts.

    Example: chatctl dead-letter show 5f0c1d2e3a4b5c6d
    """
    request = admin_pb2.ListDeadLettersRequest(letter_id=letter)
    page = call(context, "AdminService/ListDeadLetters", request, admin_pb2.ListDeadLettersResponse)
    if not page.letters:
        raise Absent(f"no dead letter '{letter}'")
    output(context, as_json).details(page.letters[0], COLUMNS)


@app.command()
def replay(
    context: typer.Context,
    letters: LetterIds = None,
    everything: Everything = False,
    profile: OnlyProfile = "",
    device: OnlyDevice = "",
    room: OnlyRoom = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Deliver dead letters to their devices once more, now or when they connect. Other events of
    the room do not wait for them. --all asks, with the number of letters.

    Example: chatctl dead-letter replay --all --profile bob --room lobby
    """
    _act(context, REPLAY, letters or [], everything, Filter(profile, device, room), yes, as_json)


@app.command()
def drop(
    context: typer.Context,
    letters: LetterIds = None,
    everything: Everything = False,
    profile: OnlyProfile = "",
    device: OnlyDevice = "",
    room: OnlyRoom = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Forget dead letters. The events stay in their rooms' logs. --all asks, with the number of
    letters.

    Example: chatctl dead-letter drop --all --profile bob --room lobby
    """
    _act(context, DROP, letters or [], everything, Filter(profile, device, room), yes, as_json)


def _act(
    context: typer.Context,
    kind: Kind,
    letters: Sequence[str],
    everything: bool,
    only: Filter,
    yes: bool,
    as_json: bool,
) -> None:
    if bool(letters) == everything:
        raise typer.BadParameter("give LETTERs, or --all")
    out = output(context, as_json)
    if everything:
        out.one({kind.done: _all(context, kind, only, out, yes=yes)})
        return
    if any(only):
        raise typer.BadParameter("--profile, --device and --room need --all")
    done = call(context, kind.method, kind.request(letter_ids=letters), kind.response)
    out.names(kind.done, getattr(done, kind.done))
    if done.unknown:
        raise Absent(f"{kind.why_unknown}: {', '.join(done.unknown)}")


def _all(context: typer.Context, kind: Kind, only: Filter, out: Output, *, yes: bool) -> int:
    """The number of letters that were handled."""
    if not yes:
        count = run(context, lambda client: matching(client, kind, only))
        if not count:
            return 0
        confirm(f"{kind.verb} {counted(count, 'dead letter')}{_of(only)}?", yes=False)
    handled: list[int] = []
    try:
        with out.progress(f"{kind.doing} dead letters") as advance:

            def on_page(count: int) -> None:
                handled.append(count)
                advance(count)

            run(context, lambda client: handle_all(client, kind, only, on_page))
    except BaseException:
        out.say(f"{sum(handled):,} {kind.done}; the same command goes on with the rest")
        raise
    return sum(handled)


def _of(only: Filter) -> str:
    """The part that is meant, in words."""
    parts = [f"{name.removesuffix('_id')} {value}" for name, value in only._asdict().items() if value]
    return f" of {', '.join(parts)}" if parts else " of all profiles"
