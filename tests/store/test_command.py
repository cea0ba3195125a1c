"""Every command's locks, by name: a command that is not here, or locks other rows, fails."""

import importlib
import inspect
import pkgutil

import pytest

import chatd.default
from chatd.core.audit import AuditKind, AuditLine
from chatd.core.log_state import UNKNOWN_LOG
from chatd.core.member_role import MemberRole
from chatd.core.model import StreamAcks, StreamKey
from chatd.default.audit.store import Audited, ForgetAudit, RecordAudit
from chatd.default.dead_letters.failures import DeleteSettledFailures, RetryRule
from chatd.default.dead_letters.store import DropDeadLetters, ReplayDeadLetters
from chatd.default.devices.connections import ForgetConnections, RegisterConnections, TouchConnections
from chatd.default.devices.model import DeviceHello
from chatd.default.devices.replacement import ReplaceDevice
from chatd.default.devices.store import ExpireDevices, ForgetDevice, OpenStreams
from chatd.default.fan_out.active_rooms import ForgetActiveRooms
from chatd.default.fan_out.marks import MarkPublished
from chatd.default.messages.store import StoreEvents
from chatd.default.nodes.log_store import RaiseBeat, RenewLog
from chatd.default.nodes.model import Lease
from chatd.default.nodes.store import ClaimDatabase, RenewLeases
from chatd.default.notifications.enqueue import EnqueueNotifications
from chatd.default.notifications.invitations import EnqueueInvitations
from chatd.default.notifications.model import ClaimedNotification, LongestPauses, NotificationOutcome
from chatd.default.notifications.push import SetPush, SetRoomNotifications
from chatd.default.notifications.queue import ClaimNotifications, DropNotifications, RetryNotifications
from chatd.default.notifications.settle import SettleNotifications
from chatd.default.outbox.cursors import AckCursors
from chatd.default.outbox.replay import ReplayOutbox
from chatd.default.outbox.skip import SkipEvent, SkipOutbox
from chatd.default.receipts.store import SetReadMarker
from chatd.default.requests.model import RequestKey
from chatd.default.requests.store import ForgetRequests, Once
from chatd.default.retention.clock import RecordTime
from chatd.default.retention.erase import EraseProfile, Traces
from chatd.default.retention.orphans import DeleteOrphans
from chatd.default.retention.store import PurgeLog
from chatd.default.rooms.bans import BanProfiles, UnbanProfiles
from chatd.default.rooms.blocks import BlockProfiles, UnblockProfiles
from chatd.default.rooms.changes import DeleteRoom, UpdateRoom
from chatd.default.rooms.deletion import ClearRoom, EndMemberships, ForgetMemberships
from chatd.default.rooms.direct import OpenDirectRoom, direct_room_id
from chatd.default.rooms.invitations import AcceptInvitation, DeclineInvitation, WithdrawInvitations
from chatd.default.rooms.membership import AddSubscriptions, JoinRoom, RemoveSubscriptions
from chatd.default.rooms.old_proposals import ExpireProposals
from chatd.default.rooms.proposals import (
    ApproveProposal,
    MakeOrPropose,
    RejectProposal,
    WithdrawProposal,
)
from chatd.default.rooms.role_changes import SetMemberRole
from chatd.default.rooms.store import CreateRoom
from chatd.default.search.index import IndexEvents, MakeIndex
from chatd.default.search.model import Indexed
from chatd.default.tokens.store import ForgetRevocations, RevokeTokens
from chatd.store.command import NO_LOCKS, Command, Locks
from tests.store.driver import event

RULE = RetryRule(1, 1)
CLAIM = ClaimedNotification("p", "d", "r", 1, "message", 0, False, 1)
ACKS = StreamAcks(
    StreamKey("p", "d", 1),
    {"moved": 1},
    rejected=(("rejected", 2, ""),),
    replayed=(("replayed", 3),),
    failed=("failed", 4),
    removed=(("removed", 1, 5),),
)
LINE = AuditLine(AuditKind.USE, "ops", "", "", "g", "AdminService/DropNotifications")
LOCKS: tuple[tuple[Command[object], Locks], ...] = (
    (StoreEvents("p", (event("r", "1"), event("s", "2"))), Locks(rooms=("r", "s"))),
    (CreateRoom("r", "", "creator", ("p",)), Locks(profiles=("creator", "p"))),
    (UpdateRoom("r", "by", False, name="n"), Locks(rooms=("r",))),
    (AddSubscriptions("r", ("p", "q"), "by", False), Locks(rooms=("r",), profiles=("p", "q"))),
    (
        RemoveSubscriptions("r", ("p", "q"), "by", False),
        Locks(rooms=("r",), profiles=("p", "q"), entries=[("p", "", "r"), ("q", "", "r")]),
    ),
    (JoinRoom("r", "p"), Locks(rooms=("r",), profiles=("p",))),
    (SetMemberRole("r", ("p", "q"), MemberRole.ADMIN, "by", False), Locks(rooms=("r",))),
    (
        BanProfiles("r", ("p", "q"), "by", False),
        Locks(rooms=("r",), profiles=("p", "q"), entries=[("p", "", "r"), ("q", "", "r")]),
    ),
    (UnbanProfiles("r", ("p", "q"), "by", False), Locks(rooms=("r",))),
    (OpenDirectRoom("p", "q"), Locks(rooms=(direct_room_id("q", "p"),), profiles=("p", "q"))),
    (AcceptInvitation("r", "p"), Locks(rooms=("r",), profiles=("p",))),
    (DeclineInvitation("r", "p"), Locks(rooms=("r",))),
    (WithdrawInvitations("r", ("p", "q"), "by", False), Locks(rooms=("r",))),
    (
        MakeOrPropose("r", RemoveSubscriptions("r", ("p",), "by", False), "RemoveRoomSubscriptions", b""),
        Locks(rooms=("r",), profiles=("p",), entries=[("p", "", "r")]),
    ),
    (
        ApproveProposal("r", "id", RemoveSubscriptions("r", ("p",), "by", False), "owner", False),
        Locks(rooms=("r",), profiles=("p",), entries=[("p", "", "r")]),
    ),
    (RejectProposal("r", "id", "owner", False), Locks(rooms=("r",))),
    (WithdrawProposal("r", "id", "p"), Locks(rooms=("r",))),
    (ExpireProposals((("r", "id"), ("s", "id")), 1, 1), Locks(rooms=("r", "s"))),
    (BlockProfiles("p", ("q",)), Locks(rooms=(direct_room_id("q", "p"),), profiles=("p",))),
    (UnblockProfiles("p", ("q",)), Locks(rooms=(direct_room_id("q", "p"),), profiles=("p",))),
    (DeleteRoom("r", "by", False), Locks(rooms=("r",))),
    (
        EndMemberships("r", ("p", "q")),
        Locks(rooms=("r",), profiles=("p", "q"), entries=[("p", "", "r"), ("q", "", "r")]),
    ),
    (
        ForgetMemberships("r", 1, ("p", "q")),
        Locks(rooms=("r",), profiles=("p", "q"), notifications=True),
    ),
    (ClearRoom("r", 1), Locks(rooms=("r",))),
    (OpenStreams((DeviceHello("p", "d"), DeviceHello("q", "d")), 1), Locks(profiles=("p", "q"))),
    (
        ReplaceDevice(DeviceHello("p", "new"), 1, "old", 1),
        Locks(profiles=("p",), notifications=True, entries=[("p", "old", "")]),
    ),
    (ForgetDevice("p", "d"), Locks(profiles=("p",), notifications=True, entries=[("p", "d", "")])),
    (
        ExpireDevices((("p", "d"), ("q", "d")), 1),
        Locks(profiles=("p", "q"), notifications=True, entries=[("p", "d", ""), ("q", "d", "")]),
    ),
    (
        AckCursors((ACKS,), RULE),
        Locks(
            entries=[
                ("p", "d", room_id) for room_id in ("moved", "rejected", "replayed", "failed", "removed")
            ]
        ),
    ),
    (
        SkipOutbox("p", "d", (("r", 2), ("s", 3))),
        Locks(profiles=("p",), entries=[("p", "d", "r"), ("p", "d", "s")]),
    ),
    (SkipEvent("p", "d", "r", 2), Locks(profiles=("p",), entries=(("p", "d", "r"),))),
    (ReplayOutbox("p", "d", (("r", 2),)), Locks(profiles=("p",), entries=[("p", "d", "r")])),
    (DeleteSettledFailures(1), NO_LOCKS),
    (ReplayDeadLetters(("l",)), NO_LOCKS),
    (DropDeadLetters(("l",)), NO_LOCKS),
    (RegisterConnections(()), NO_LOCKS),
    (TouchConnections((), 1), NO_LOCKS),
    (ForgetConnections(()), NO_LOCKS),
    (MarkPublished((("r", 1, 2), ("s", 1, 1))), Locks(rooms=("r", "s"))),
    (ForgetActiveRooms(("r", "s")), Locks(rooms=("r", "s"))),
    (SetReadMarker("p", "r", 1, "d"), Locks(notifications=True)),
    (SetPush("p", "d", "log", "", "", "", 1), Locks(profiles=("p",), notifications=True)),
    (SetRoomNotifications("p", "r", 1, 0), Locks(notifications=True)),
    (EnqueueNotifications(("r", "s"), 1, 1), Locks(rooms=("r", "s"), notifications=True)),
    (EnqueueInvitations(("r", "s"), 1, 1), Locks(rooms=("r", "s"), notifications=True)),
    (ClaimNotifications(1, 1, LongestPauses(1, 1)), Locks(notifications=True)),
    (SettleNotifications((NotificationOutcome(CLAIM, "sent"),)), Locks(notifications=True)),
    (SettleNotifications((NotificationOutcome(CLAIM, "gone"),)), Locks(profiles=("p",), notifications=True)),
    (RetryNotifications("", ""), Locks(notifications=True)),
    (DropNotifications("", ""), Locks(notifications=True)),
    (PurgeLog("r", 1, 0, 1, 0), Locks(rooms=("r",))),
    (MakeIndex(), NO_LOCKS),
    (IndexEvents(Indexed((), (("r", 1),), ())), NO_LOCKS),
    (
        EraseProfile("p", Traces(("r", "s"), ("q",)), 1),
        Locks(rooms=("r", "s"), profiles=("p", "q"), notifications=True, entries=[("p", "", "")]),
    ),
    (Audited(DropNotifications("", ""), LINE), Locks(notifications=True)),
    (RecordAudit((LINE,)), NO_LOCKS),
    (ForgetAudit(1, (), 1), NO_LOCKS),
    (RevokeTokens(b"", "p", 0), NO_LOCKS),
    (ForgetRevocations(1), NO_LOCKS),
    (RenewLeases((), 0), NO_LOCKS),
    (RaiseBeat(UNKNOWN_LOG), NO_LOCKS),
    (RenewLog(UNKNOWN_LOG, "r", 1), NO_LOCKS),
    (ClaimDatabase(Lease("u", "default", "n", "q", "1", 5, 6), 7, alone=False), NO_LOCKS),
    (RecordTime(1), NO_LOCKS),
    (
        DeleteOrphans("outbox", (("p", "d"), ("q", "d"))),
        Locks(profiles=("p", "q"), notifications=True, entries=[("p", "d", ""), ("q", "d", "")]),
    ),
    (DeleteOrphans("push", (("p", "d"),)), Locks(notifications=True)),
    (
        Once(RemoveSubscriptions("r", ("p",), "by", False), RequestKey("by", "id", b""), lambda change: b""),
        Locks(rooms=("r",), profiles=("p", "by"), entries=[("p", "", "r")]),
    ),
    (ForgetRequests(1, 1), NO_LOCKS),
)


def _below(kind: type[Command[object]]) -> set[type[Command[object]]]:
    return {one for direct in kind.__subclasses__() for one in (direct, *_below(direct))}


def all_commands() -> set[type[Command[object]]]:
    for module in pkgutil.walk_packages(chatd.default.__path__, "chatd.default."):
        importlib.import_module(module.name)
    found = {kind for kind in _below(Command) if not inspect.isabstract(kind)}  # type: ignore[type-abstract]
    # A dataclass with slots is a copy of the class it was made from: only the copy is what a module
    # holds.
    own = {
        kind for kind in found if kind.__module__.startswith("chatd.")
    }  # tests have commands that fail, too
    return {
        kind for kind in own if getattr(importlib.import_module(kind.__module__), kind.__name__, None) is kind
    }


def test_every_command_is_named() -> None:
    assert all_commands() == {type(command) for command, _ in LOCKS}


@pytest.mark.parametrize(("command", "expected"), LOCKS, ids=[type(command).__name__ for command, _ in LOCKS])
def test_a_command_locks(command: Command[object], expected: Locks) -> None:
    locks = command.locks()
    assert sorted(locks.rooms) == sorted(expected.rooms)
    assert sorted(locks.profiles) == sorted(expected.profiles)
    assert sorted(locks.entries) == sorted(expected.entries)
    assert locks.notifications == expected.notifications


def test_a_command_cannot_forget_its_locks() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Command()  # type: ignore[abstract]
