-- The second schema: when a message was tried, how it is delivered, and who decided what about it.

ALTER TABLE messages ADD COLUMN claimed_at    TEXT;   -- when its last attempt was about to begin
ALTER TABLE messages ADD COLUMN delivery      TEXT;   -- JSON: rules that are applied when it is posted
ALTER TABLE messages ADD COLUMN scheduled_for TEXT;   -- what the API was asked to wait for

-- What a person, or a command on a person's word, decided outside of a run. Holds no people's data.
CREATE TABLE decisions (
    id     INTEGER PRIMARY KEY,
    key    TEXT NOT NULL,                   -- empty for an erasure
    at     TEXT NOT NULL,
    "by"   TEXT NOT NULL,
    what   TEXT NOT NULL,                   -- the state it went to, or 'erased'
    reason TEXT NOT NULL
);

CREATE INDEX decisions_by_key ON decisions (key);
