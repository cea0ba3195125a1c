"""The first schema, the same on both engines.

Times are microseconds since the Unix epoch; a seq is an event's place in its room's log. Flags are
0 or 1.
"""

import secrets

_TABLES = """
-- A room and the head of its log. Events from first_seq on are kept; of those up to purged_seq only ids are left, for a week.
-- published_seq is the fan-out mark, notified_seq the mark of notifications; urgent_seq is the newest event of priority 1 and up,
-- normal_seq the newest of 0 and up; said counts the events of people and applications; active: the room is in active_room.
-- kind and the rules are numbers of chat.v1. deleted_seq is the last event of a deleted room (0: it is not); cleared: nothing but its id
-- is left, which is never used again. blocked: the room is direct, and one of its two members has blocked the other.
-- No index has a column that changes with each event: PostgreSQL then updates the row where it is (HOT).
CREATE TABLE room (
    room_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at_us BIGINT NOT NULL,
    head_seq BIGINT NOT NULL,
    published_seq BIGINT NOT NULL,
    membership_version BIGINT NOT NULL,
    member_count BIGINT NOT NULL,
    first_seq BIGINT NOT NULL DEFAULT 1,
    purged_seq BIGINT NOT NULL DEFAULT 0,
    urgent_seq BIGINT NOT NULL DEFAULT 0,
    normal_seq BIGINT NOT NULL DEFAULT 0,
    notified_seq BIGINT NOT NULL DEFAULT 0,
    said BIGINT NOT NULL DEFAULT 0,
    hide_previews BIGINT NOT NULL DEFAULT 0,
    active BIGINT NOT NULL DEFAULT 0,
    kind BIGINT NOT NULL DEFAULT 2,
    public BIGINT NOT NULL DEFAULT 0,
    add_role BIGINT NOT NULL DEFAULT 2,
    send_role BIGINT NOT NULL DEFAULT 2,
    urgent_role BIGINT NOT NULL DEFAULT 2,
    mention_all_role BIGINT NOT NULL DEFAULT 3,
    requires_approval BIGINT NOT NULL DEFAULT 0,
    keep_days BIGINT NOT NULL DEFAULT 0,
    keep_events BIGINT NOT NULL DEFAULT 0,
    settings_version BIGINT NOT NULL DEFAULT 0,
    deleted_seq BIGINT NOT NULL DEFAULT 0,
    cleared BIGINT NOT NULL DEFAULT 0,
    blocked BIGINT NOT NULL DEFAULT 0){half_full};
CREATE INDEX room_created ON room (created_by, created_at_us);
CREATE INDEX room_deleted ON room (room_id) WHERE deleted_seq > 0 AND cleared = 0;
CREATE INDEX room_public ON room (room_id) WHERE public = 1 AND deleted_seq = 0;

-- Apart from the room, whose row is written with each event. metadata is JSON.
CREATE TABLE room_detail (
    room_id TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    metadata TEXT NOT NULL);

-- Rooms that have had an event lately, since when. A room with events that are not published yet is always among them.
CREATE TABLE active_room (
    room_id TEXT PRIMARY KEY,
    since_us BIGINT NOT NULL){without_rowid};

-- Rooms with events that are published and not enqueued as notifications yet.
CREATE TABLE unnotified_room (
    room_id TEXT PRIMARY KEY){without_rowid};

-- The log. Its rows are appended, whatever their rooms: in SQLite a row in the middle of a tree writes its neighbours' pages, too.
-- delivery is the encoded EventDelivery, empty once the event is purged. said is the room's count from before the event, own
-- the same of its sender alone: unread counts are subtractions.
CREATE TABLE room_event (
    room_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    event_id TEXT NOT NULL,
    sender_id TEXT NOT NULL,
    type BIGINT NOT NULL,
    sent_at_us BIGINT NOT NULL,
    content_hash {bytes} NOT NULL,
    delivery {bytes} NOT NULL,
    said BIGINT NOT NULL DEFAULT 0,
    own BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (room_id, seq));
CREATE UNIQUE INDEX room_event_id ON room_event (sender_id, event_id);
CREATE INDEX room_event_own ON room_event (room_id, sender_id, seq);
CREATE INDEX room_event_erased ON room_event (room_id, seq) WHERE type = 3;

-- Profiles exist to be locked: a device registered while its profile joins a room is seen, or sees the membership. rooms counts those
-- that the profile is a member of.
CREATE TABLE profile (
    profile_id TEXT PRIMARY KEY,
    rooms BIGINT NOT NULL DEFAULT 0);

-- A membership, from the event it began with to the one it ended with. push: the member has a device to notify. delivered_seq: devices
-- that are forgotten have acknowledged all events up to it.
CREATE TABLE subscription (
    room_id TEXT NOT NULL,
    profile_id TEXT NOT NULL,
    joined_seq BIGINT NOT NULL,
    left_seq BIGINT,
    push BIGINT NOT NULL DEFAULT 0,
    delivered_seq BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (room_id, profile_id, joined_seq));
CREATE UNIQUE INDEX subscription_active ON subscription (room_id, profile_id) WHERE left_seq IS NULL;
CREATE INDEX subscription_push ON subscription (room_id, profile_id) WHERE push = 1 AND left_seq IS NULL;
CREATE INDEX subscription_profile ON subscription (profile_id, room_id);

-- The roles of members that are not MEMBER (core/member_role.py). Rows change with their room locked.
CREATE TABLE room_role (
    room_id TEXT NOT NULL,
    profile_id TEXT NOT NULL,
    role BIGINT NOT NULL,
    PRIMARY KEY (room_id, profile_id));

-- Profiles that cannot become members; seq: the event that says so. Rows change with their room locked.
CREATE TABLE ban (
    room_id TEXT NOT NULL,
    profile_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    banned_at_us BIGINT NOT NULL,
    PRIMARY KEY (room_id, profile_id));
CREATE INDEX ban_profile ON ban (profile_id);

-- Profiles that become members, with this role, when they accept; seq: the event that says so. untold: devices are to be notified, and
-- nothing is in the queue yet. Rows are made with their room and their profile locked, and changed and deleted with their room locked.
CREATE TABLE invitation (
    room_id TEXT NOT NULL,
    profile_id TEXT NOT NULL,
    role BIGINT NOT NULL,
    invited_by TEXT NOT NULL,
    invited_at_us BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    untold BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (room_id, profile_id));
CREATE INDEX invitation_profile ON invitation (profile_id, invited_at_us);
CREATE INDEX invitation_by ON invitation (invited_by);
CREATE INDEX invitation_untold ON invitation (room_id, profile_id) WHERE untold = 1;

-- Changes of rooms that wait for approval, and for a week those that were decided. method names the call, request is its message;
-- state: chat.v1.ProposalState; decided_at_us 0: it is pending. Ids begin with the time, and a room's later ones are higher. Rows change with their room locked.
CREATE TABLE room_proposal (
    room_id TEXT NOT NULL,
    proposal_id TEXT NOT NULL,
    proposed_by TEXT NOT NULL,
    proposed_at_us BIGINT NOT NULL,
    method TEXT NOT NULL,
    state BIGINT NOT NULL DEFAULT 1,
    decided_by TEXT NOT NULL DEFAULT '',
    decided_at_us BIGINT NOT NULL DEFAULT 0,
    seq BIGINT NOT NULL DEFAULT 0,
    request {bytes} NOT NULL,
    PRIMARY KEY (room_id, proposal_id));
CREATE INDEX room_proposal_pending ON room_proposal (room_id, proposal_id) WHERE decided_at_us = 0;
CREATE INDEX room_proposal_own ON room_proposal (room_id, proposed_by, proposal_id) WHERE decided_at_us = 0;
CREATE INDEX room_proposal_proposed ON room_proposal (proposed_at_us) WHERE decided_at_us = 0;
CREATE INDEX room_proposal_decided ON room_proposal (decided_at_us) WHERE decided_at_us > 0;
CREATE INDEX room_proposal_oldest ON room_proposal (room_id, decided_at_us, proposal_id) WHERE decided_at_us > 0;
CREATE INDEX room_proposal_decider ON room_proposal (decided_by, room_id, proposal_id) WHERE decided_by <> '';

-- Profiles that a proposal names, its proposer and those in its request: an erasure looks for them.
CREATE TABLE named_in_proposal (
    room_id TEXT NOT NULL,
    proposal_id TEXT NOT NULL,
    profile_id TEXT NOT NULL,
    PRIMARY KEY (room_id, proposal_id, profile_id));
CREATE INDEX named_in_proposal_profile ON named_in_proposal (profile_id, room_id, proposal_id);

-- Profiles that a profile has blocked. Rows change with the profile and the direct room of the two locked.
CREATE TABLE block (
    profile_id TEXT NOT NULL,
    blocked_id TEXT NOT NULL,
    blocked_at_us BIGINT NOT NULL,
    PRIMARY KEY (profile_id, blocked_id));
CREATE INDEX block_blocked ON block (blocked_id);

-- Membership events that name a profile without beginning or ending its membership: what an erasure has to look at.
CREATE TABLE named_in_event (
    room_id TEXT NOT NULL,
    profile_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (room_id, profile_id, seq));
CREATE INDEX named_in_event_profile ON named_in_event (profile_id);

-- has_failures: a pull has to look into delivery_attempt, dead_letter and delivery_gap. reset_epoch: the epoch with which an operator
-- last changed what the device is owed; older streams have to be opened again. ordinal: Hello.ordinal of the newest stream.
CREATE TABLE device (
    profile_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    created_at_us BIGINT NOT NULL,
    seen_at_us BIGINT NOT NULL,
    has_failures BIGINT NOT NULL DEFAULT 0,
    reset_epoch BIGINT NOT NULL DEFAULT 0,
    ordinal BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (profile_id, device_id));
CREATE INDEX device_seen ON device (seen_at_us);
CREATE INDEX device_has_failures ON device (profile_id) WHERE has_failures = 1;

-- An entry is a range: the device is owed the room's events after acked_seq, up to until_seq (NULL: the head). Those up to
-- replay_until have been given to it before: it is owed them again.
CREATE TABLE outbox (
    profile_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    start_seq BIGINT NOT NULL,
    acked_seq BIGINT NOT NULL,
    until_seq BIGINT,
    created_at_us BIGINT NOT NULL,
    replay_until BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (profile_id, device_id, room_id, start_seq)){without_rowid};
CREATE INDEX outbox_room ON outbox (room_id, profile_id);

-- Failed deliveries of an event that is still tried.
CREATE TABLE delivery_attempt (
    profile_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    first_at_us BIGINT NOT NULL,
    last_at_us BIGINT NOT NULL,
    PRIMARY KEY (profile_id, device_id, room_id, seq));

-- state: dead, replaying, dropped (by an operator) or delivered (by a replay). A dropped one stays as long as its event: it says that
-- the device does not have it. tries and tried_at_us: failures of the replay that is under way.
CREATE TABLE dead_letter (
    profile_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    letter_id TEXT NOT NULL,
    state TEXT NOT NULL,
    event_id TEXT NOT NULL,
    sender_id TEXT NOT NULL,
    type BIGINT NOT NULL,
    sent_at_us BIGINT NOT NULL,
    reason BIGINT NOT NULL,
    text TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    first_failed_at_us BIGINT NOT NULL,
    dead_at_us BIGINT NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    tried_at_us BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (profile_id, device_id, room_id, seq));
CREATE UNIQUE INDEX dead_letter_id ON dead_letter (letter_id);
CREATE INDEX dead_letter_room ON dead_letter (room_id, seq);
CREATE INDEX dead_letter_open ON dead_letter (letter_id) WHERE state IN ('dead', 'replaying');

-- Events that a device is given a marker for, and not themselves: the log no longer held them when its cursor came to them, or an
-- operator has skipped them. reason: events.v1.SkipReason. told: the device has acknowledged the marker.
CREATE TABLE delivery_gap (
    profile_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    reason BIGINT NOT NULL,
    told BIGINT NOT NULL,
    PRIMARY KEY (profile_id, device_id, room_id, first_seq));
CREATE INDEX delivery_gap_room ON delivery_gap (room_id, last_seq);

-- The way a device is notified while it is away.
CREATE TABLE push (
    profile_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    notifier TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    p256dh TEXT NOT NULL,
    auth TEXT NOT NULL,
    notified_at_us BIGINT NOT NULL,
    created_at_us BIGINT NOT NULL,
    PRIMARY KEY (profile_id, device_id));

-- A profile's wishes for one room. level: chat.v1.NotificationLevel.
CREATE TABLE room_notification (
    profile_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    level BIGINT NOT NULL,
    muted_until_us BIGINT NOT NULL,
    PRIMARY KEY (profile_id, room_id));

-- The queue of notifications. In the empty slot a device has one message that waits or is dead, however much the device is owed; in the
-- slot of each room what it was last told of that room, which may be dismissed; in slot :room an invitation that it is to be told of.
-- kind: message, dismiss or invitation; state: waiting, sent or dead.
CREATE TABLE notification (
    profile_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    slot TEXT NOT NULL DEFAULT '',
    room_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at_us BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    error TEXT NOT NULL,
    claimed_until_us BIGINT NOT NULL,
    at_us BIGINT NOT NULL,
    PRIMARY KEY (profile_id, device_id, slot));
CREATE INDEX notification_due ON notification (state, due_at_us);

-- The index of texts: a row for each message in it (default/search/index.py). Its number is made of its time. SQLite's FTS5 table
-- search_index is made when search is first turned on.
CREATE TABLE search_document (
    document_id {rowid} PRIMARY KEY,
    room_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    words {words} NOT NULL);
CREATE UNIQUE INDEX search_document_event ON search_document (room_id, seq);{search_index}

-- How far each room's log is in the index of texts.
CREATE TABLE search_mark (
    room_id TEXT PRIMARY KEY,
    seq BIGINT NOT NULL);

CREATE TABLE read_marker (
    profile_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    read_at_us BIGINT NOT NULL,
    device_id TEXT NOT NULL,
    PRIMARY KEY (profile_id, room_id));

-- Events that mention members and count as unread, as long as they are kept: a row for each profile, or one with the empty profile
-- if all are meant.
CREATE TABLE mention (
    profile_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    sender_id TEXT NOT NULL,
    PRIMARY KEY (profile_id, room_id, seq)){without_rowid};
CREATE INDEX mention_event ON mention (room_id, seq);

-- Answers to calls that change something, by the ids that their callers gave them: a call that comes again is not executed again.
CREATE TABLE answered_request (
    profile_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    content_hash {bytes} NOT NULL,
    answer {bytes} NOT NULL,
    at_us BIGINT NOT NULL,
    PRIMARY KEY (profile_id, request_id));
CREATE INDEX answered_request_at ON answered_request (at_us);

-- Who did what, from where, on what (core/audit.py); line_id begins with the time. kind: admin.v1.AuditKind.
CREATE TABLE audit (
    line_id TEXT PRIMARY KEY,
    at_us BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    profile_id TEXT NOT NULL,
    acting_for TEXT NOT NULL,
    address TEXT NOT NULL,
    gateway_id TEXT NOT NULL,
    what TEXT NOT NULL,
    objects TEXT NOT NULL,
    outcome TEXT NOT NULL,
    repeated BIGINT NOT NULL){without_rowid};
CREATE INDEX audit_kind ON audit (kind, line_id);

-- One row: which log this database holds (core/log_state.py).
CREATE TABLE log (
    id BIGINT PRIMARY KEY,
    incarnation TEXT NOT NULL,
    beat BIGINT NOT NULL);

-- The lease of a default node or gateway. protocol and oldest_protocol: the numbers that it speaks to the other kind.
-- keys: public keys for which a default node vouches. place: where a default node runs; those at one are one after
-- the other. Gateways may share an address.
CREATE TABLE node (
    uri TEXT NOT NULL,
    kind TEXT NOT NULL,
    node_id TEXT NOT NULL,
    queue_uri TEXT NOT NULL,
    version TEXT NOT NULL,
    started_at_us BIGINT NOT NULL,
    lease_until_us BIGINT NOT NULL,
    protocol BIGINT NOT NULL,
    oldest_protocol BIGINT NOT NULL,
    keys TEXT NOT NULL,
    drained SMALLINT NOT NULL,
    place TEXT NOT NULL,
    PRIMARY KEY (uri, node_id));

-- One row: the last time of the wall clock that was believed.
CREATE TABLE known_time (
    id BIGINT PRIMARY KEY,
    at_us BIGINT NOT NULL);

-- Tokens that are no longer good: one by its SHA-256 in hexadecimal, or all of a profile (with an
-- empty digest) that were issued before a time. Versions never come again.
CREATE TABLE revocation (
    digest TEXT NOT NULL,
    profile_id TEXT NOT NULL,
    version BIGINT NOT NULL UNIQUE,
    before_us BIGINT NOT NULL,
    expires_at_us BIGINT NOT NULL,
    PRIMARY KEY (digest, profile_id));

-- Streams that are open, for operators.
CREATE TABLE connection (
    profile_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    gateway_id TEXT NOT NULL,
    client TEXT NOT NULL,
    since_us BIGINT NOT NULL,
    seen_us BIGINT NOT NULL,
    PRIMARY KEY (profile_id, device_id));

-- The outbox one row for each device and event.
CREATE VIEW outbox_entry AS
    SELECT outbox.profile_id, outbox.device_id, outbox.room_id,
        room_event.seq, room_event.event_id, room_event.sender_id, room_event.type, room_event.sent_at_us,
        COALESCE(delivery_attempt.attempts, dead_letter.attempts, 0) AS attempts,
        CASE
            WHEN dead_letter.seq IS NOT NULL THEN 'dead'
            WHEN delivery_attempt.seq IS NOT NULL THEN 'retrying'
            ELSE 'pending'
        END AS state,
        dead_letter.state AS letter, dead_letter.reason AS reason
    FROM outbox
    JOIN room ON room.room_id = outbox.room_id
    JOIN room_event ON room_event.room_id = outbox.room_id
        AND room_event.seq > outbox.acked_seq
        AND room_event.seq >= room.first_seq
        AND (outbox.until_seq IS NULL OR room_event.seq <= outbox.until_seq)
    LEFT JOIN delivery_attempt ON delivery_attempt.profile_id = outbox.profile_id
        AND delivery_attempt.device_id = outbox.device_id
        AND delivery_attempt.room_id = outbox.room_id
        AND delivery_attempt.seq = room_event.seq
    LEFT JOIN dead_letter ON dead_letter.profile_id = outbox.profile_id
        AND dead_letter.device_id = outbox.device_id
        AND dead_letter.room_id = outbox.room_id
        AND dead_letter.seq = room_event.seq
"""

_OF_ENGINE = {
    "sqlite": {
        "bytes": "BLOB",
        "without_rowid": " WITHOUT ROWID",
        "half_full": "",
        "rowid": "INTEGER",
        "words": "TEXT",
        "search_index": "",
    },
    "postgres": {
        "bytes": "BYTEA",
        "without_rowid": "",
        "half_full": " WITH (fillfactor = 50)",
        "rowid": "BIGINT",
        "words": "TSVECTOR",
        "search_index": "CREATE INDEX search_document_words ON search_document USING gin (words);",
    },
}


def up(migrator, db):  # type: ignore[no-untyped-def]
    engine = "sqlite" if db.param == "?" else "postgres"
    lines = [line for line in _TABLES.splitlines() if not line.startswith("--")]
    for statement in "\n".join(lines).format(**_OF_ENGINE[engine]).split(";"):
        db.execute_sql(statement)
    db.execute_sql(
        f"INSERT INTO log (id, incarnation, beat) VALUES (1, {db.param}, 0)", (secrets.token_hex(8),)
    )
