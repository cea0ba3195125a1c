"""Rooms and their logs, who subscribes, devices, the outbox (a range of a room's log for each subscriber's device), what could not be
delivered, who is notified how, and who serves.

A log's events from first_seq on are kept; up to purged_seq nothing is left of them but, for a week, their ids. urgent_seq is its newest event
of priority 1 and up, normal_seq of 0 and up. notified_seq says how far devices that are away have been notified, subscription.push that the member
has a device to notify.
"""

_BYTES = {"sqlite": "BLOB", "postgres": "BYTEA"}

_TABLES = """
CREATE TABLE room (
    room_id TEXT PRIMARY KEY, name TEXT NOT NULL, created_by TEXT NOT NULL, created_at_us BIGINT NOT NULL,
    head_seq BIGINT NOT NULL, published_seq BIGINT NOT NULL, membership_version BIGINT NOT NULL, member_count BIGINT NOT NULL,
    first_seq BIGINT NOT NULL DEFAULT 1, purged_seq BIGINT NOT NULL DEFAULT 0,
    urgent_seq BIGINT NOT NULL DEFAULT 0, normal_seq BIGINT NOT NULL DEFAULT 0,
    notified_seq BIGINT NOT NULL DEFAULT 0, hide_previews BIGINT NOT NULL DEFAULT 0);
CREATE INDEX room_unpublished ON room (room_id) WHERE published_seq < head_seq;
CREATE INDEX room_unnotified ON room (room_id) WHERE notified_seq < published_seq;
CREATE TABLE room_event (
    room_id TEXT NOT NULL, seq BIGINT NOT NULL, event_id TEXT NOT NULL, sender_id TEXT NOT NULL, type BIGINT NOT NULL,
    sent_at_us BIGINT NOT NULL, content_hash {bytes} NOT NULL, delivery {bytes} NOT NULL, PRIMARY KEY (room_id, seq)){without_rowid};
CREATE UNIQUE INDEX room_event_id ON room_event (sender_id, event_id);
CREATE TABLE profile (profile_id TEXT PRIMARY KEY);
CREATE TABLE subscription (
    room_id TEXT NOT NULL, profile_id TEXT NOT NULL, joined_seq BIGINT NOT NULL, left_seq BIGINT, owner BIGINT NOT NULL,
    push BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (room_id, profile_id, joined_seq));
CREATE UNIQUE INDEX subscription_active ON subscription (room_id, profile_id) WHERE left_seq IS NULL;
CREATE INDEX subscription_push ON subscription (room_id, profile_id) WHERE push = 1 AND left_seq IS NULL;
CREATE INDEX subscription_profile ON subscription (profile_id, room_id);
CREATE TABLE device (
    profile_id TEXT NOT NULL, device_id TEXT NOT NULL, epoch BIGINT NOT NULL, created_at_us BIGINT NOT NULL, seen_at_us BIGINT NOT NULL,
    has_failures BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (profile_id, device_id));
CREATE INDEX device_seen ON device (seen_at_us);
CREATE INDEX device_has_failures ON device (profile_id) WHERE has_failures = 1;
CREATE TABLE outbox (
    profile_id TEXT NOT NULL, device_id TEXT NOT NULL, room_id TEXT NOT NULL, start_seq BIGINT NOT NULL, acked_seq BIGINT NOT NULL,
    until_seq BIGINT, created_at_us BIGINT NOT NULL,
    PRIMARY KEY (profile_id, device_id, room_id, start_seq));
CREATE INDEX outbox_room ON outbox (room_id, profile_id);
CREATE TABLE delivery_attempt (
    profile_id TEXT NOT NULL, device_id TEXT NOT NULL, room_id TEXT NOT NULL, seq BIGINT NOT NULL, attempts BIGINT NOT NULL,
    first_at_us BIGINT NOT NULL, last_at_us BIGINT NOT NULL, PRIMARY KEY (profile_id, device_id, room_id, seq));
CREATE TABLE dead_letter (
    profile_id TEXT NOT NULL, device_id TEXT NOT NULL, room_id TEXT NOT NULL, seq BIGINT NOT NULL, letter_id TEXT NOT NULL,
    state TEXT NOT NULL, event_id TEXT NOT NULL, sender_id TEXT NOT NULL, type BIGINT NOT NULL, sent_at_us BIGINT NOT NULL,
    reason BIGINT NOT NULL, text TEXT NOT NULL, attempts BIGINT NOT NULL, first_failed_at_us BIGINT NOT NULL, dead_at_us BIGINT NOT NULL,
    PRIMARY KEY (profile_id, device_id, room_id, seq));
CREATE UNIQUE INDEX dead_letter_id ON dead_letter (letter_id);
CREATE TABLE push (
    profile_id TEXT NOT NULL, device_id TEXT NOT NULL, notifier TEXT NOT NULL, endpoint TEXT NOT NULL, p256dh TEXT NOT NULL, auth TEXT NOT NULL,
    notified_at_us BIGINT NOT NULL, created_at_us BIGINT NOT NULL, PRIMARY KEY (profile_id, device_id));
CREATE TABLE room_notification (
    profile_id TEXT NOT NULL, room_id TEXT NOT NULL, level BIGINT NOT NULL, muted_until_us BIGINT NOT NULL, PRIMARY KEY (profile_id, room_id));
CREATE TABLE notification (
    profile_id TEXT NOT NULL, device_id TEXT NOT NULL, room_id TEXT NOT NULL, seq BIGINT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,
    due_at_us BIGINT NOT NULL, attempts BIGINT NOT NULL, error TEXT NOT NULL, claimed_until_us BIGINT NOT NULL, at_us BIGINT NOT NULL,
    PRIMARY KEY (profile_id, device_id));
CREATE INDEX notification_due ON notification (state, due_at_us);
CREATE TABLE read_marker (
    profile_id TEXT NOT NULL, room_id TEXT NOT NULL, seq BIGINT NOT NULL, read_at_us BIGINT NOT NULL, device_id TEXT NOT NULL,
    PRIMARY KEY (profile_id, room_id));
CREATE TABLE node (
    uri TEXT PRIMARY KEY, kind TEXT NOT NULL, node_id TEXT NOT NULL, queue_uri TEXT NOT NULL, version TEXT NOT NULL,
    started_at_us BIGINT NOT NULL, lease_until_us BIGINT NOT NULL);
CREATE TABLE connection (
    profile_id TEXT NOT NULL, device_id TEXT NOT NULL, epoch BIGINT NOT NULL, gateway_id TEXT NOT NULL, client TEXT NOT NULL,
    since_us BIGINT NOT NULL, seen_us BIGINT NOT NULL, PRIMARY KEY (profile_id, device_id));
CREATE VIEW outbox_entry AS
    SELECT o.profile_id, o.device_id, o.room_id, e.seq, e.event_id, e.sender_id, e.type, e.sent_at_us,
        COALESCE(a.attempts, l.attempts, 0) AS attempts,
        CASE WHEN l.seq IS NOT NULL THEN 'dead' WHEN a.seq IS NOT NULL THEN 'retrying' ELSE 'pending' END AS state
    FROM outbox o JOIN room r ON r.room_id = o.room_id
    JOIN room_event e ON e.room_id = o.room_id AND e.seq > o.acked_seq AND e.seq >= r.first_seq AND (o.until_seq IS NULL OR e.seq <= o.until_seq)
    LEFT JOIN delivery_attempt a ON a.profile_id = o.profile_id AND a.device_id = o.device_id AND a.room_id = o.room_id AND a.seq = e.seq
    LEFT JOIN dead_letter l ON l.profile_id = o.profile_id AND l.device_id = o.device_id AND l.room_id = o.room_id AND l.seq = e.seq
"""


def up(migrator, db):  # type: ignore[no-untyped-def]
    engine = "sqlite" if db.param == "?" else "postgres"
    tables = _TABLES.format(bytes=_BYTES[engine], without_rowid=" WITHOUT ROWID" if engine == "sqlite" else "")
    for statement in tables.split(";"):
        db.execute_sql(statement)
