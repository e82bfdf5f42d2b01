-- Runs that several workers carry out together. A job of the queue (a window) may be delivered twice and a worker may be
-- a zombie, so nothing here trusts either: a message is claimed in its own row, by a session that can be fenced.

-- A run without a process of its own: it lives until it has ended, whoever comes and goes.
CREATE TABLE shared_runs (
    run      text COLLATE "C" NOT NULL PRIMARY KEY,
    queue    text NOT NULL,                         -- of its jobs
    wanted   text NOT NULL DEFAULT 'go' CHECK (wanted IN ('go', 'pause', 'stop')),
    reason   text,                                  -- why it stops or pauses, for people
    settings text NOT NULL                          -- JSON: how its messages are posted
);

-- Pieces of a run's plan. One is done when nothing in it is planned any more but for what has expired.
CREATE TABLE windows (
    run   text COLLATE "C" NOT NULL,
    first bigint NOT NULL,                          -- position of its first message
    last  bigint NOT NULL,
    done  boolean NOT NULL DEFAULT false,
    PRIMARY KEY (run, first)
) WITH (fillfactor = 75);

CREATE INDEX windows_undone ON windows (run, first) WHERE NOT done;

-- Who claims: one connection of a worker, which works on one window at a time.
CREATE TABLE sessions (
    id      bigint NOT NULL GENERATED ALWAYS AS IDENTITY (MAXVALUE 2147483647) PRIMARY KEY,
    worker  text NOT NULL,                          -- its host, process and start, for people
    lock    bigint NOT NULL,                        -- the advisory lock that its connection holds while it lives
    pid     integer NOT NULL,                       -- of the server's process for it
    began   timestamptz NOT NULL,                   -- when that process began: a pid is used again
    seen_at timestamptz NOT NULL,                   -- its last sign of life, on the server's clock
    commits bigint NOT NULL DEFAULT 0,              -- its last write: tells whether one got through
    fenced  boolean NOT NULL DEFAULT false,         -- taken for dead: it claims nothing any more
    run     text COLLATE "C",                       -- the window that it works on
    first   bigint,
    last    bigint
) WITH (fillfactor = 50);

CREATE INDEX sessions_by_run ON sessions (run) WHERE run IS NOT NULL;

-- How fast: the state of dispatch.pace.Pace as JSON, its times in seconds of the server's clock. One row for the run
-- (spec is empty) and one for each spec with a rate of its own.
CREATE TABLE paces (
    run   text COLLATE "C" NOT NULL,
    spec  text COLLATE "C" NOT NULL,
    state text NOT NULL,
    PRIMARY KEY (run, spec)
) WITH (fillfactor = 50);

-- The last migration of Procrastinate's tables, which are in this schema too; no row: it has none.
CREATE TABLE queue_schema (
    migration text NOT NULL
);

-- messages.claimed_in of a claim by a session is its id, times 2^32, plus its write; of a run's own process it is below
-- 2^32, as the session is 0. So one column says who holds a message, and old news of another session settles nothing.
CREATE FUNCTION claim_mark(session bigint, turn bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT (session << 32) + turn $$;

CREATE FUNCTION claimant(mark bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT coalesce(mark, 0) >> 32 $$;

-- Who lives: the runs whose lock somebody's session holds, and those that are shared.
CREATE OR REPLACE VIEW living AS
SELECT runs.id
FROM runs
WHERE runs.status = 'running' AND (
    EXISTS (SELECT FROM shared_runs WHERE shared_runs.run = runs.id)
    OR EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 1 AND granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND ((classid::bigint << 32) | objid::bigint) = runs.lock));

-- Settles outcomes and claims messages for a session: as settle_and_claim does for a run's own process.
--
-- It locks the session's row, not the run's: workers do not wait for each other. A session that was fenced settles what
-- is legal (what was in doubt is known after all) and claims nothing; nor does anybody claim for a run that is to wait
-- or to stop. What waits for another attempt is claimed by the session that knows when, and by nobody else.
CREATE FUNCTION shared_settle_and_claim(
    IN this_session bigint,
    IN this_turn bigint,
    IN again boolean,              -- an earlier write of this session may have got through
    IN this_run text,
    IN moment text,
    IN keys text[], IN states text[], IN statuses integer[], IN ids text[], IN errors text[], IN tries integer[],
    IN times text[], IN schedules text[],
    IN sources text[],             -- from which states each may come: |sending|in_doubt|
    IN claims text[],
    OUT verdict text,              -- done, held (the run is to wait or to stop, or has ended), or fenced
    OUT refused text[],            -- keys whose outcome is no legal move
    OUT claimed text[]
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    found_turn bigint;
    was_fenced boolean;
    repeated boolean;
    mark bigint := claim_mark(this_session, this_turn);
BEGIN
    SELECT sessions.commits, sessions.fenced INTO found_turn, was_fenced FROM sessions WHERE sessions.id = this_session
    FOR NO KEY UPDATE;
    was_fenced := was_fenced IS NOT FALSE;
    repeated := NOT was_fenced AND found_turn >= this_turn;
    IF was_fenced THEN
        verdict := 'fenced';
    ELSE
        UPDATE sessions SET commits = greatest(commits, this_turn), seen_at = clock_timestamp()
        WHERE sessions.id = this_session;
        IF EXISTS (SELECT FROM runs JOIN shared_runs ON shared_runs.run = runs.id
                   WHERE runs.id = this_run AND runs.status = 'running' AND shared_runs.wanted = 'go') THEN
            verdict := 'done';
        ELSE
            verdict := 'held';
        END IF;
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
            WHERE NOT repeated AND messages.key = outcome.key AND messages.run || '' = this_run
              AND claimant(messages.claimed_in) = this_session
              AND position('|' || messages.state || '|' IN outcome.sources) > 0
            RETURNING messages.key
        )
        SELECT array_agg(outcome.key) INTO refused
        FROM outcome
        WHERE NOT EXISTS (SELECT FROM settled WHERE settled.key = outcome.key)
          AND NOT ((repeated OR again) AND EXISTS (
            SELECT FROM messages
            WHERE messages.key = outcome.key AND messages.run || '' = this_run
              AND (messages.state = outcome.state OR (messages.state = 'sending' AND messages.claimed_in = mark))));
    END IF;
    IF refused IS NOT NULL OR was_fenced OR cardinality(claims) = 0 THEN
        RETURN;
    END IF;
    IF repeated THEN
        SELECT array_agg(messages.key) INTO claimed FROM messages
        WHERE messages.key = ANY (claims) AND messages.run || '' = this_run AND messages.state = 'sending'
          AND messages.claimed_in = mark;
    ELSIF verdict = 'done' THEN
        WITH won AS (
            UPDATE messages
            SET state = 'sending', attempts = messages.attempts + 1, claimed_in = mark, claimed_at = moment,
                updated_at = moment
            WHERE messages.key = ANY (claims) AND messages.run || '' = this_run
              AND (messages.state = 'planned'
                   OR (messages.state = 'retry_wait' AND claimant(messages.claimed_in) = this_session))
            RETURNING messages.key
        )
        SELECT array_agg(won.key) INTO claimed FROM won;
    END IF;
END
$$;
