"""The state of one event at one device, as SQL. A cursor that passed an event says nothing about
its delivery: a marker moves it too.

The fragments expect the tables ``room_event``, ``room``, ``subscription`` (a membership that covers
the event) and ``device``.
"""

from chatd.pb.events.v1.payloads_pb2 import DeliveryState, SkipReason

JOINS = """
                LEFT JOIN outbox ON outbox.profile_id = device.profile_id
                    AND outbox.device_id = device.device_id
                    AND outbox.room_id = room_event.room_id
                    AND outbox.start_seq < room_event.seq
                    AND (outbox.until_seq IS NULL OR outbox.until_seq >= room_event.seq)
                LEFT JOIN dead_letter ON dead_letter.profile_id = device.profile_id
                    AND dead_letter.device_id = device.device_id
                    AND dead_letter.room_id = room_event.room_id
                    AND dead_letter.seq = room_event.seq"""
"""A device's outbox entry that covers the event, and its dead letter, if there are such."""

WAS_OWED = """(outbox.start_seq IS NOT NULL
                    OR (subscription.left_seq IS NOT NULL AND device.created_at_us <= room_event.sent_at_us))"""
"""An entry that is gone was passed to its end; a device whose entry began later was never owed the
event."""

STATE = f"""CASE
                    WHEN dead_letter.state = 'delivered' THEN {int(DeliveryState.DELIVERY_STATE_ACKNOWLEDGED)}
                    WHEN dead_letter.reason = {int(SkipReason.SKIP_REASON_REJECTED)}
                        THEN {int(DeliveryState.DELIVERY_STATE_REJECTED)}
                    WHEN dead_letter.reason = {int(SkipReason.SKIP_REASON_OPERATOR)}
                        THEN {int(DeliveryState.DELIVERY_STATE_SKIPPED)}
                    WHEN dead_letter.seq IS NOT NULL THEN {int(DeliveryState.DELIVERY_STATE_UNDELIVERABLE)}
                    WHEN EXISTS (
                        SELECT 1
                        FROM delivery_gap
                        WHERE delivery_gap.profile_id = device.profile_id
                            AND delivery_gap.device_id = device.device_id
                            AND delivery_gap.room_id = room_event.room_id
                            AND delivery_gap.first_seq <= room_event.seq
                            AND delivery_gap.last_seq >= room_event.seq
                            AND delivery_gap.reason = {int(SkipReason.SKIP_REASON_OPERATOR)})
                        THEN {int(DeliveryState.DELIVERY_STATE_SKIPPED)}
                    WHEN EXISTS (
                        SELECT 1
                        FROM delivery_gap
                        WHERE delivery_gap.profile_id = device.profile_id
                            AND delivery_gap.device_id = device.device_id
                            AND delivery_gap.room_id = room_event.room_id
                            AND delivery_gap.first_seq <= room_event.seq
                            AND delivery_gap.last_seq >= room_event.seq)
                        THEN {int(DeliveryState.DELIVERY_STATE_REMOVED)}
                    WHEN outbox.start_seq IS NULL OR outbox.acked_seq >= room_event.seq
                        THEN {int(DeliveryState.DELIVERY_STATE_ACKNOWLEDGED)}
                    WHEN room_event.seq < room.first_seq THEN {int(DeliveryState.DELIVERY_STATE_REMOVED)}
                    ELSE {int(DeliveryState.DELIVERY_STATE_OWED)}
                END"""
"""A ``DeliveryState``."""

IS_DELIVERED = f"{STATE} = {int(DeliveryState.DELIVERY_STATE_ACKNOWLEDGED)}"
