"""chatctl dead-letter …: events that devices rejected or could not take. Their contents are never
shown."""

from collections.abc import Sequence
from typing import Annotated

import typer

from chatctl.absent import Absent
from chatctl.arguments import AsJson, Limit, OnlyDevice, OnlyProfile, OnlyRoom
from chatctl.columns import Column, Columns, unlisted, yes_no
from chatctl.deliveries import reason_name
from chatctl.invocation import call, output
from chatctl.paging import advice
from chatctl.times import age_since, clock
from chatd.pb.admin.v1 import admin_pb2

app = typer.Typer(
    no_args_is_help=True,
    help="See events that devices rejected or could not take; replay or drop them. Operators only.",
)

LetterIds = Annotated[
    list[str],
    typer.Argument(metavar="LETTER", help="Ids of dead letters, as list shows them."),
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
def list_(
    context: typer.Context,
    profile: OnlyProfile = "",
    device: OnlyDevice = "",
    room: OnlyRoom = "",
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
    )
    page = call(context, "AdminService/ListDeadLetters", request, admin_pb2.ListDeadLettersResponse)
    more = advice(page.more, limit, {"--profile": profile, "--device": device, "--room": room})
    output(context, as_json).rows(page.letters, COLUMNS, more=more)


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
def replay(context: typer.Context, letters: LetterIds, as_json: AsJson = False) -> None:
    """Deliver dead letters to their devices once more, now or when they connect. Other events of
    the room do not wait for them.

    Example: chatctl dead-letter replay 5f0c1d2e3a4b5c6d
    """
    request = admin_pb2.ReplayDeadLettersRequest(letter_ids=letters)
    done = call(context, "AdminService/ReplayDeadLetters", request, admin_pb2.ReplayDeadLettersResponse)
    output(context, as_json).names("replayed", done.replayed)
    _fail_if_unknown(done.unknown, ", or no longer with an event that is kept")


@app.command()
def drop(context: typer.Context, letters: LetterIds, as_json: AsJson = False) -> None:
    """Forget dead letters. The events stay in their rooms' logs.

    Example: chatctl dead-letter drop 5f0c1d2e3a4b5c6d
    """
    request = admin_pb2.DropDeadLettersRequest(letter_ids=letters)
    done = call(context, "AdminService/DropDeadLetters", request, admin_pb2.DropDeadLettersResponse)
    output(context, as_json).names("dropped", done.dropped)
    _fail_if_unknown(done.unknown)


def _fail_if_unknown(unknown: Sequence[str], besides: str = "") -> None:
    if unknown:
        letters = ", ".join(f"'{letter}'" for letter in unknown)
        noun = "no dead letter" if len(unknown) == 1 else "no dead letters"
        raise Absent(f"there {'is' if len(unknown) == 1 else 'are'} {noun} {letters}{besides}")
