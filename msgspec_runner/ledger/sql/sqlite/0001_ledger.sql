-- The first schema. Times are ISO 8601 in UTC with milliseconds; states are those of model.State.

CREATE TABLE ledger (
    id         TEXT NOT NULL PRIMARY KEY,   -- what msgspec-runner.ledger-id holds
    created_at TEXT NOT NULL
);

CREATE TABLE runs (
    id         TEXT NOT NULL PRIMARY KEY,
    origin     TEXT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('running', 'finished', 'interrupted', 'stopped', 'died')),
    specs      TEXT NOT NULL,               -- a JSON array of spec ids
    version    TEXT NOT NULL,
    host       TEXT NOT NULL,
    pid        INTEGER NOT NULL,
    started_at TEXT NOT NULL,
    ended_at   TEXT,
    reason     TEXT,
    totals     TEXT                         -- a JSON object {state: count}, as the run ended
);

CREATE INDEX runs_by_status ON runs (status);

CREATE TABLE messages (
    id            INTEGER PRIMARY KEY,
    key           TEXT NOT NULL UNIQUE,     -- the identity: what makes sending twice impossible
    run           TEXT NOT NULL REFERENCES runs (id),
    position      INTEGER NOT NULL,         -- the place in its run's plan
    origin        TEXT NOT NULL,
    spec          TEXT NOT NULL,
    edition       INTEGER NOT NULL,
    recipient_key TEXT NOT NULL,
    "to"          TEXT NOT NULL,
    row           INTEGER NOT NULL,
    state         TEXT NOT NULL CHECK (state IN
        ('planned', 'sending', 'accepted', 'rejected', 'in_doubt', 'retry_wait', 'released', 'cancelled')),
    reason        TEXT,                     -- why a person released it
    digest        TEXT NOT NULL,
    body          BLOB NOT NULL,
    segments      INTEGER,
    message_id    TEXT,
    http_status   INTEGER,
    error         TEXT,
    attempts      INTEGER NOT NULL,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL
);

-- Covers paging a run in its order and counting it by state.
CREATE INDEX messages_by_run ON messages (run, position, state);

CREATE TABLE skips (
    id            INTEGER PRIMARY KEY,
    run           TEXT NOT NULL REFERENCES runs (id),
    spec          TEXT NOT NULL,
    edition       INTEGER NOT NULL,
    row           INTEGER NOT NULL,
    reason        TEXT NOT NULL,
    "to"          TEXT NOT NULL,
    recipient_key TEXT NOT NULL,
    key           TEXT NOT NULL,            -- not unique: a duplicate's is that of the first row
    segments      INTEGER,
    created_at    TEXT NOT NULL
);

CREATE INDEX skips_by_run ON skips (run, id);

-- The message object of status and --results: its 15 fields in their order, then what selects and pages them.
CREATE VIEW message_objects AS
SELECT key, recipient_key, run, spec, edition, row, "to", state, message_id, http_status, error, attempts, segments,
       created_at, updated_at, id, position, origin
FROM messages;

CREATE VIEW skip_objects AS
SELECT skips.key, skips.recipient_key, skips.run, skips.spec, skips.edition, skips.row, skips."to",
       'skipped' AS state, NULL AS message_id, NULL AS http_status, skips.reason AS error, 0 AS attempts,
       skips.segments, skips.created_at, skips.created_at AS updated_at, skips.id, runs.origin
FROM skips JOIN runs ON runs.id = skips.run;
