"""Every command's locks, by name: a command that is not here, or locks other rows, fails."""

import importlib
import pkgutil

import pytest

import chatd.default
from chatd.core.audit import AuditKind, AuditLine
from chatd.core.log_state import UNKNOWN_LOG
from chatd.core.model import StreamAcks, StreamKey
from chatd.default.audit.store import Audited, ForgetAudit, RecordAudit
from chatd.default.dead_letters.failures import DeleteSettledFailures, RetryRule
from chatd.default.dead_letters.store import DropDeadLetters, ReplayDeadLetters
from chatd.default.devices.connections import ForgetConnections, RegisterConnections, TouchConnections
from chatd.default.devices.replacement import ReplaceDevice
from chatd.default.devices.store import ExpireDevices, ForgetDevice, OpenStreams
from chatd.default.fan_out.marks import MarkPublished
from chatd.default.messages.store import StoreEvents
from chatd.default.nodes.log_store import RaiseBeat, RenewLog
from chatd.default.nodes.model import Lease
from chatd.default.nodes.store import ClaimDatabase, RenewLeases
from chatd.default.notifications.enqueue import EnqueueNotifications
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
from chatd.default.retention.erase import EraseProfile
from chatd.default.retention.orphans import DeleteOrphans
from chatd.default.retention.store import PurgeLog
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom, UpdateRoom
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
    (OpenStreams((("p", "d"), ("q", "d")), 1), Locks(profiles=("p", "q"))),
    (
        ReplaceDevice("p", "new", 1, "old", 1),
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
    (SetReadMarker("p", "r", 1, "d"), Locks(notifications=True)),
    (SetPush("p", "d", "log", "", "", "", 1), Locks(profiles=("p",), notifications=True)),
    (SetRoomNotifications("p", "r", 1, 0), Locks(notifications=True)),
    (EnqueueNotifications(("r", "s"), 1, 1), Locks(rooms=("r", "s"), notifications=True)),
    (ClaimNotifications(1, 1, LongestPauses(1, 1)), Locks(notifications=True)),
    (SettleNotifications((NotificationOutcome(CLAIM, "sent"),)), Locks(notifications=True)),
    (SettleNotifications((NotificationOutcome(CLAIM, "gone"),)), Locks(profiles=("p",), notifications=True)),
    (RetryNotifications("", ""), Locks(notifications=True)),
    (DropNotifications("", ""), Locks(notifications=True)),
    (PurgeLog("r", 1, 0, 1, 0), Locks(rooms=("r",))),
    (
        EraseProfile("p", ("r", "s"), 1),
        Locks(rooms=("r", "s"), profiles=("p",), notifications=True, entries=[("p", "", "")]),
    ),
    (Audited(DropNotifications("", ""), LINE), Locks(notifications=True)),
    (RecordAudit((LINE,)), NO_LOCKS),
    (ForgetAudit(1, (), 1), NO_LOCKS),
    (RevokeTokens(b"", "p", 0), NO_LOCKS),
    (ForgetRevocations(1), NO_LOCKS),
    (RenewLeases((), 0), NO_LOCKS),
    (RaiseBeat(UNKNOWN_LOG), NO_LOCKS),
    (RenewLog(UNKNOWN_LOG, "r", 1), NO_LOCKS),
    (ClaimDatabase(Lease("u", "default", "n", "q", "1", 5, 6), "p", 7, alone=False), NO_LOCKS),
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


def all_commands() -> set[type[Command[object]]]:
    for module in pkgutil.walk_packages(chatd.default.__path__, "chatd.default."):
        importlib.import_module(module.name)
    found = set(Command.__subclasses__())
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
