"""chatctl proposal …: changes of rooms that owners have to approve."""

from collections.abc import Mapping
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from chatctl.arguments import AsJson, RoomId
from chatctl.columns import Column, Columns, plain, unlisted
from chatctl.invocation import output, run
from chatctl.lists import lists
from chatctl.paging import next_page
from chatctl.room_choices import role_name
from chatctl.times import clock
from chatd.pb.chat.v1 import chat_pb2
from chatd.pb.chat.v1.chat_pb2 import Proposal

app = typer.Typer(
    no_args_is_help=True, help="List changes that wait for approval, approve, reject or withdraw them."
)

STATES: Mapping[str, chat_pb2.ProposalState] = {
    "pending": chat_pb2.PROPOSAL_STATE_PENDING,
    "executed": chat_pb2.PROPOSAL_STATE_EXECUTED,
    "rejected": chat_pb2.PROPOSAL_STATE_REJECTED,
    "withdrawn": chat_pb2.PROPOSAL_STATE_WITHDRAWN,
    "expired": chat_pb2.PROPOSAL_STATE_EXPIRED,
}
_NAMED = 5
"""Profiles that a line names."""


def _state_name(state: int) -> str:
    """Its number, if only a later version knows it."""
    return next((name for name, one in STATES.items() if one == state), str(state))


def _request(one: Proposal) -> dict[str, object]:
    """The fields of its call, but for the room."""
    kind = one.WhichOneof("change")
    request: Message | None = getattr(one, kind) if kind else None
    if request is None:
        return {}  # only a later version knows it
    fields = MessageToDict(request, preserving_proto_field_name=True)
    if getattr(request, "role", 0):
        fields["role"] = role_name(request.role)  # type: ignore[attr-defined]
    return {name: value for name, value in fields.items() if name != "room_id"}


def _change(one: Proposal) -> str:
    """For example "add dave, erin, role guest"."""
    fields = _request(one)
    profiles = fields.pop("profile_ids", [])
    assert isinstance(profiles, list)
    named = ", ".join(profiles[:_NAMED]) + (
        f" and {len(profiles) - _NAMED} more" if profiles[_NAMED:] else ""
    )
    kind = (one.WhichOneof("change") or "unknown").replace("_", " ")
    said = [f"{name} {plain(value)}" for name, value in fields.items() if name != "expected_version"]
    return " ".join([kind, ", ".join([named, *said] if named else said)])


COLUMNS: Columns[Proposal] = (
    Column("proposal", "proposal_id"),
    Column("by", "proposed_by"),
    Column("proposed", "proposed_at_us", clock, detail=clock),
    Column("change", "change", get=_change),
    unlisted("request", get=_request),
    unlisted("state", get=lambda one: _state_name(one.state)),
    unlisted("decided_by"),
    unlisted("decided_at_us"),
    unlisted("seq"),
)

ProposalId = Annotated[str, typer.Argument(metavar="PROPOSAL", help="The proposal's id, as list shows it.")]


@app.command(name="list")
@lists
def list_(
    context: typer.Context,
    room: RoomId,
    state: Annotated[
        str,
        typer.Option(
            "--state",
            metavar="STATE",
            help="Those that are pending, executed, rejected, withdrawn or expired. Decided ones: for a week at most.",
            autocompletion=lambda: list(STATES),
        ),
    ] = "pending",
    after: Annotated[
        str, typer.Option("--after", metavar="PROPOSAL", help="Only proposals after this one.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=100, help="List at most this many rows.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List proposals of a room, the oldest first. Owners and operators see all, others their own.

    Example: chatctl --as alice proposal list lobby
    """
    if state not in STATES:
        raise typer.BadParameter(f"{state!a} is no state: {', '.join(STATES)}")
    found, more = run(
        context,
        lambda client: client.proposals(room, state=STATES[state], after_proposal_id=after, limit=limit),
    )
    output(context, as_json).rows(
        found, COLUMNS, more=next_page(more, found[-1].proposal_id if found else "")
    )


@app.command()
def approve(context: typer.Context, room: RoomId, proposal: ProposalId, as_json: AsJson = False) -> None:
    """Make the change that was proposed, as its proposer. Owners and operators may. Seq 0: nothing
    was to be changed any more.

    Example: chatctl --as alice proposal approve lobby PROPOSAL
    """
    seq = run(context, lambda client: client.approve_proposal(room, proposal))
    output(context, as_json).one({"room_id": room, "proposal_id": proposal, "seq": seq})


@app.command()
def reject(context: typer.Context, room: RoomId, proposal: ProposalId, as_json: AsJson = False) -> None:
    """End a proposal. Owners and operators may.

    Example: chatctl --as alice proposal reject lobby PROPOSAL
    """
    run(context, lambda client: client.reject_proposal(room, proposal))
    output(context, as_json).one({"room_id": room, "proposal_id": proposal, "rejected": True})


@app.command()
def withdraw(context: typer.Context, room: RoomId, proposal: ProposalId, as_json: AsJson = False) -> None:
    """End a proposal of your own.

    Example: chatctl --as bob proposal withdraw lobby PROPOSAL
    """
    withdrawn = run(context, lambda client: client.withdraw_proposal(room, proposal))
    output(context, as_json).one({"room_id": room, "proposal_id": proposal, "withdrawn": withdrawn})
