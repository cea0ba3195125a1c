"""Rooms and their logs, who subscribes, devices, and the outbox: a range of a room's log for each subscriber's device."""

_BYTES = {"sqlite": "BLOB", "postgres": "BYTEA"}

_TABLES = """
CREATE TABLE room (
    room_id TEXT PRIMARY KEY, name TEXT NOT NULL, created_by TEXT NOT NULL, created_at_us BIGINT NOT NULL,
    head_seq BIGINT NOT NULL, fanned_seq BIGINT NOT NULL, membership_version BIGINT NOT NULL, member_count BIGINT NOT NULL);
CREATE INDEX room_unfanned ON room (room_id) WHERE fanned_seq < head_seq;
CREATE TABLE room_event (
    room_id TEXT NOT NULL, seq BIGINT NOT NULL, event_id TEXT NOT NULL, sender_id TEXT NOT NULL, type BIGINT NOT NULL,
    sent_at_us BIGINT NOT NULL, content_hash {bytes} NOT NULL, delivery {bytes} NOT NULL, PRIMARY KEY (room_id, seq)){without_rowid};
CREATE UNIQUE INDEX room_event_id ON room_event (sender_id, event_id);
CREATE TABLE profile (profile_id TEXT PRIMARY KEY);
CREATE TABLE subscription (
    room_id TEXT NOT NULL, profile_id TEXT NOT NULL, joined_seq BIGINT NOT NULL, left_seq BIGINT, owner BIGINT NOT NULL,
    PRIMARY KEY (room_id, profile_id, joined_seq));
CREATE UNIQUE INDEX subscription_active ON subscription (room_id, profile_id) WHERE left_seq IS NULL;
CREATE INDEX subscription_profile ON subscription (profile_id, room_id);
CREATE TABLE device (
    profile_id TEXT NOT NULL, device_id TEXT NOT NULL, epoch BIGINT NOT NULL, created_at_us BIGINT NOT NULL, PRIMARY KEY (profile_id, device_id));
CREATE TABLE outbox (
    profile_id TEXT NOT NULL, device_id TEXT NOT NULL, room_id TEXT NOT NULL, start_seq BIGINT NOT NULL, acked_seq BIGINT NOT NULL,
    until_seq BIGINT, attempts BIGINT NOT NULL, attempted_seq BIGINT NOT NULL, created_at_us BIGINT NOT NULL,
    PRIMARY KEY (profile_id, device_id, room_id, start_seq));
CREATE INDEX outbox_room ON outbox (room_id, profile_id);
CREATE TABLE connection (
    profile_id TEXT NOT NULL, device_id TEXT NOT NULL, epoch BIGINT NOT NULL, gateway_id TEXT NOT NULL, client TEXT NOT NULL,
    since_us BIGINT NOT NULL, seen_us BIGINT NOT NULL, PRIMARY KEY (profile_id, device_id));
CREATE VIEW outbox_entry AS
    SELECT o.profile_id, o.device_id, o.room_id, e.seq, e.event_id, e.sender_id, e.type, e.sent_at_us,
        CASE WHEN e.seq <= o.attempted_seq THEN o.attempts ELSE 0 END AS attempts,
        CASE WHEN e.seq <= o.attempted_seq AND o.attempts > 0 THEN 'retrying' ELSE 'pending' END AS state
    FROM outbox o JOIN room_event e ON e.room_id = o.room_id AND e.seq > o.acked_seq AND (o.until_seq IS NULL OR e.seq <= o.until_seq)
"""


def up(migrator, db):  # type: ignore[no-untyped-def]
    engine = "sqlite" if db.param == "?" else "postgres"
    tables = _TABLES.format(bytes=_BYTES[engine], without_rowid=" WITHOUT ROWID" if engine == "sqlite" else "")
    for statement in tables.split(";"):
        db.execute_sql(statement)
