"""chatctl dead-letter …: what devices could not take or refused; replay it, or let it go. Contents are never shown."""

import time
from typing import Annotated, Any

import typer

from chatctl.connection import options, run
from chatctl.output import age, clock
from chatctl.tail import reason_name
from chatd.errors import EventNotFound
from chatd.pb.admin.v1 import admin_pb2

app = typer.Typer(no_args_is_help=True, help="See what devices could not take or refused; replay it, or let it go. Operators only.")

Letters = Annotated[list[str], typer.Argument(metavar="LETTER…", help="Dead letters' ids, as list shows them.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _row(letter: admin_pb2.DeadLetter) -> dict[str, object]:
    return {
        "letter_id": letter.letter_id,
        "profile_id": letter.profile_id,
        "device_id": letter.device_id,
        "room_id": letter.event.room_id,
        "seq": letter.event.seq,
        "event_id": letter.event.event_id,
        "sender_id": letter.event.sender_id,
        "type": letter.event.type,
        "sent_at_us": letter.event.sent_at_us,
        "reason": reason_name(letter.reason),
        "text": letter.text,
        "attempts": letter.attempts,
        "first_failed_at_us": letter.first_failed_at_us,
        "dead_at_us": letter.dead_at_us,
        "replaying": letter.replaying,
    }


@app.command(name="list")
def list_(
    context: typer.Context,
    profile: Annotated[str, typer.Option("--profile", help="Only this profile.")] = "",
    device: Annotated[str, typer.Option("--device", help="Only this device.")] = "",
    room: Annotated[str, typer.Option("--room", help="Only this room.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Rows at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List dead letters, the newest first.

    Example: chatctl dead-letter list --profile bob
    """
    request = admin_pb2.ListDeadLettersRequest(profile_id=profile, device_id=device, room_id=room, limit=limit)
    page = run(context, lambda client: client.call("AdminService/ListDeadLetters", request, admin_pb2.ListDeadLettersResponse))
    now = time.time_ns() // 1000
    shown: dict[str, list[Any]] = {
        "letter": [one.letter_id for one in page.letters],
        "profile": [one.profile_id for one in page.letters],
        "device": [one.device_id for one in page.letters],
        "room": [one.event.room_id for one in page.letters],
        "seq": [one.event.seq for one in page.letters],
        "reason": [reason_name(one.reason).lower() for one in page.letters],
        "attempts": [one.attempts for one in page.letters],
        "dead for": [age(now - one.dead_at_us) for one in page.letters],
        "replaying": ["yes" if one.replaying else "no" for one in page.letters],
    }
    options(context).output(as_json).rows([_row(one) for one in page.letters], shown, more=page.more)


@app.command()
def show(context: typer.Context, letter: Annotated[str, typer.Argument(metavar="LETTER", help="Its id.")], as_json: AsJson = False) -> None:
    """Show one dead letter: which event, whose device, why, how often it was tried.

    Example: chatctl dead-letter show 5f0c1d2e3a4b5c6d
    """
    request = admin_pb2.ListDeadLettersRequest(letter_id=letter)
    page = run(context, lambda client: client.call("AdminService/ListDeadLetters", request, admin_pb2.ListDeadLettersResponse))
    if not page.letters:
        raise EventNotFound(f"no dead letter {letter!r}")
    out = options(context).output(as_json)
    thing = _row(page.letters[0])
    if not out.as_json:
        for name in ("sent_at_us", "first_failed_at_us", "dead_at_us"):
            thing[name] = clock(int(str(thing[name])))
    out.one(thing)


@app.command()
def replay(context: typer.Context, letters: Letters, as_json: AsJson = False) -> None:
    """Deliver dead letters to their devices once more, now or when they connect; the rest of the room does not wait for them.

    Example: chatctl dead-letter replay 5f0c1d2e3a4b5c6d
    """
    request = admin_pb2.ReplayDeadLettersRequest(letter_ids=letters)
    done = run(context, lambda client: client.call("AdminService/ReplayDeadLetters", request, admin_pb2.ReplayDeadLettersResponse))
    options(context).output(as_json).rows([{"replayed": one} for one in done.replayed])
    _complain(done.unknown, "of which there are none, or whose event is no longer kept")


@app.command()
def drop(context: typer.Context, letters: Letters, as_json: AsJson = False) -> None:
    """Forget dead letters. The events stay in their rooms' logs.

    Example: chatctl dead-letter drop 5f0c1d2e3a4b5c6d
    """
    request = admin_pb2.DropDeadLettersRequest(letter_ids=letters)
    done = run(context, lambda client: client.call("AdminService/DropDeadLetters", request, admin_pb2.DropDeadLettersResponse))
    options(context).output(as_json).rows([{"dropped": one} for one in done.dropped])
    _complain(done.unknown, "of which there are none")


def _complain(unknown: Any, why: str) -> None:
    if unknown:
        raise EventNotFound(f"{len(unknown)} dead letters {why}: {', '.join(unknown)}")
