-- The same ledger as sql/sqlite, for PostgreSQL. Times are ISO 8601 in UTC with milliseconds, as text that sorts by
-- bytes; states are those of model.State.

CREATE TABLE ledger (
    id         text NOT NULL PRIMARY KEY,           -- what msgspec-runner.ledger-id holds
    created_at text NOT NULL,
    schema     integer NOT NULL                     -- the number of the last migration
);

CREATE TABLE runs (
    number     bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    id         text COLLATE "C" NOT NULL PRIMARY KEY,
    origin     text NOT NULL,
    status     text NOT NULL CHECK (status IN ('running', 'finished', 'interrupted', 'stopped', 'died')),
    specs      text NOT NULL,                       -- a JSON array of spec ids
    version    text NOT NULL,
    host       text NOT NULL,
    pid        integer NOT NULL,
    started_at text COLLATE "C" NOT NULL,
    ended_at   text,
    reason     text,
    totals     text,                                -- a JSON object {state: count}, as the run ended
    lock       bigint NOT NULL,                     -- the session advisory lock that its process holds while it lives
    commits    bigint NOT NULL DEFAULT 0            -- the last write of its process: tells whether one got through
) WITH (fillfactor = 50);

CREATE INDEX runs_by_status ON runs (id) WHERE status = 'running';

-- The identity is the key, and no index holds the state: so an update can stay in its page and touch no index. A quarter of
-- each page is left free for that, because a claim updates neighbours together.
CREATE TABLE messages (
    key           text COLLATE "C" NOT NULL PRIMARY KEY,
    run           text COLLATE "C" NOT NULL,
    position      bigint NOT NULL,                  -- the place in its run's plan
    origin        text NOT NULL,
    spec          text NOT NULL,
    edition       bigint NOT NULL,
    recipient_key text NOT NULL,
    "to"          text NOT NULL,
    row           bigint NOT NULL,
    state         text COLLATE "C" NOT NULL CHECK (state IN
        ('planned', 'sending', 'accepted', 'rejected', 'in_doubt', 'retry_wait', 'released', 'cancelled')),
    reason        text,                             -- why a person released it
    digest        text NOT NULL,
    body          bytea NOT NULL,
    segments      integer,
    delivery      text,                             -- JSON: rules that are applied when it is posted
    message_id    text,
    http_status   integer,
    error         text,
    attempts      integer NOT NULL,
    claimed_in    bigint,                           -- the write of its run (runs.commits) that claimed it
    claimed_at    text,
    scheduled_for text,                             -- what the API was asked to wait for
    created_at    text NOT NULL,
    updated_at    text COLLATE "C" NOT NULL
) WITH (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX messages_by_run ON messages (run, position);

CREATE TABLE skips (
    id            bigint NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run           text COLLATE "C" NOT NULL,
    spec          text NOT NULL,
    edition       bigint NOT NULL,
    row           bigint NOT NULL,
    reason        text NOT NULL,
    "to"          text NOT NULL,
    recipient_key text NOT NULL,
    key           text NOT NULL,                    -- not unique: a duplicate's is that of the first row
    segments      integer,
    created_at    text COLLATE "C" NOT NULL
);

CREATE INDEX skips_by_run ON skips (run, id);

-- What a person, or a command on a person's word, decided outside of a run. Holds no people's data.
CREATE TABLE decisions (
    id     bigint NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key    text COLLATE "C" NOT NULL,               -- empty for an erasure
    at     text NOT NULL,
    "by"   text NOT NULL,
    what   text NOT NULL,                           -- the state it went to, or 'erased'
    reason text NOT NULL
);

CREATE INDEX decisions_by_key ON decisions (key);

-- The message object of status and --results: its 15 fields in their order, then what selects and pages them.
CREATE VIEW message_objects AS
SELECT key, recipient_key, run, spec, edition, row, "to", state, message_id, http_status, error, attempts, segments,
       created_at, updated_at, position, origin
FROM messages;

-- Whole messages: the fields of model.Message in their order, then those of Stored, then what selects and pages them.
CREATE VIEW stored_objects AS
SELECT key, recipient_key, spec, edition, row, "to", body, digest, segments, delivery,
       run, state, claimed_at, updated_at, message_id, scheduled_for, position, origin
FROM messages;

CREATE VIEW skip_objects AS
SELECT skips.key, skips.recipient_key, skips.run, skips.spec, skips.edition, skips.row, skips."to",
       'skipped' AS state, NULL AS message_id, NULL AS http_status, skips.reason AS error, 0 AS attempts,
       skips.segments, skips.created_at, skips.created_at AS updated_at, skips.id, runs.origin
FROM skips JOIN runs ON runs.id = skips.run;

-- Who lives: the runs whose lock somebody's session holds.
CREATE VIEW living AS
SELECT runs.id
FROM runs
WHERE runs.status = 'running' AND EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND ((classid::bigint << 32) | objid::bigint) = runs.lock);

-- Settles outcomes and claims messages for a run: one round trip, and one transaction, by its number.
--
-- Of a number that was carried out already (its answer was lost with the connection) it says again what came of it.
-- A run that was taken for dead meanwhile ("over") settles what is legal and claims nothing.
CREATE FUNCTION settle_and_claim(
    IN this_run text,
    IN this_turn bigint,
    IN again boolean,              -- an earlier write of this run may have got through: what is there counts as settled
    IN moment text,
    IN keys text[], IN states text[], IN statuses integer[], IN ids text[], IN errors text[], IN tries integer[],
    IN times text[], IN schedules text[],
    IN sources text[],             -- from which states each may come: |sending|in_doubt|
    IN claims text[],
    OUT verdict text,              -- done, over, or unknown
    OUT refused text[],            -- keys whose outcome is no legal move
    OUT claimed text[]
) LANGUAGE plpgsql
-- A plan that was cached while the table was small must not scan it when it is large.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    found_status text;
    found_turn bigint;
    repeated boolean;
BEGIN
    SELECT runs.status, runs.commits INTO found_status, found_turn FROM runs WHERE runs.id = this_run
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        verdict := 'unknown';
        RETURN;
    END IF;
    repeated := found_turn >= this_turn AND found_status = 'running';
    verdict := CASE found_status WHEN 'running' THEN 'done' ELSE 'over' END;
    IF found_turn < this_turn THEN
        UPDATE runs SET commits = this_turn WHERE runs.id = this_run;
    END IF;
    IF cardinality(keys) > 0 THEN
        WITH outcome AS (
            SELECT * FROM unnest(keys, states, statuses, ids, errors, tries, times, schedules, sources)
                AS o (key, state, http_status, message_id, error, attempts, updated_at, scheduled_for, sources)
        ), settled AS (
            UPDATE messages
            SET state = outcome.state, http_status = outcome.http_status,
                message_id = coalesce(outcome.message_id, messages.message_id), error = outcome.error,
                attempts = coalesce(outcome.attempts, messages.attempts), updated_at = outcome.updated_at,
                scheduled_for = coalesce(outcome.scheduled_for, messages.scheduled_for)
            FROM outcome
            WHERE NOT repeated AND messages.key = outcome.key AND messages.run = this_run
              AND position('|' || messages.state || '|' IN outcome.sources) > 0
            RETURNING messages.key
        )
        SELECT array_agg(outcome.key) INTO refused
        FROM outcome
        WHERE NOT EXISTS (SELECT FROM settled WHERE settled.key = outcome.key)
          AND NOT ((repeated OR again) AND EXISTS (
            SELECT FROM messages
            WHERE messages.key = outcome.key AND messages.run = this_run
              AND (messages.state = outcome.state
                   OR (messages.state = 'sending' AND messages.claimed_in = this_turn))));
    END IF;
    IF verdict = 'done' AND refused IS NULL AND cardinality(claims) > 0 THEN
        IF repeated THEN
            SELECT array_agg(messages.key) INTO claimed FROM messages
            WHERE messages.key = ANY (claims) AND messages.run = this_run AND messages.state = 'sending'
              AND messages.claimed_in = this_turn;
        ELSE
            WITH won AS (
                UPDATE messages
                SET state = 'sending', attempts = messages.attempts + 1, claimed_in = this_turn, claimed_at = moment,
                    updated_at = moment
                WHERE messages.key = ANY (claims) AND messages.run = this_run
                  AND messages.state IN ('planned', 'retry_wait')
                RETURNING messages.key
            )
            SELECT array_agg(won.key) INTO claimed FROM won;
        END IF;
    END IF;
END
$$;
