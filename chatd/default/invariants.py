"""Invariants of all subjects' rows; ``chatd check-db`` looks whether they hold."""

from chatd.default.dead_letters.invariants import INVARIANTS as DEAD_LETTERS
from chatd.default.devices.invariants import INVARIANTS as DEVICES
from chatd.default.fan_out.invariants import INVARIANTS as FAN_OUT
from chatd.default.notifications.invariants import INVARIANTS as NOTIFICATIONS
from chatd.default.outbox.invariants import INVARIANTS as OUTBOX
from chatd.default.receipts.invariants import INVARIANTS as RECEIPTS
from chatd.default.retention.orphans import INVARIANTS as ORPHANS
from chatd.default.rooms.invariants import INVARIANTS as ROOMS

INVARIANTS = (*ROOMS, *FAN_OUT, *OUTBOX, *DEAD_LETTERS, *RECEIPTS, *NOTIFICATIONS, *DEVICES, *ORPHANS)
