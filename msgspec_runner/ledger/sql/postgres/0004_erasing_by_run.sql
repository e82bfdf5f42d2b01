-- An erasure by date goes through the runs that have something to give, and leaves the others out without reading them.

-- Of a run that has ended: the time of the earliest last move among its messages and skipped rows that are at rest and
-- hold people's data, as the last erasure found it; 'nothing', which sorts behind every time, where there were none.
-- NULL: not known. Whoever moves a message of an ended run sets it to NULL in the same transaction, see below.
ALTER TABLE runs ADD COLUMN erasable_from text COLLATE "C";

-- The erasure that reads the run just now, to find that out. NULL again: somebody moved a message of it meanwhile.
ALTER TABLE runs ADD COLUMN read_by text;

-- To be called before messages are moved that may be of a run that has ended, in the same transaction.
--
-- The weak lock, which no claim and no end of a run waits for, is for runs that are under way: one of them may end
-- before this transaction does. An erasure leaves out of its knowledge what anybody has locked even so.
CREATE FUNCTION changes_ended_runs(chosen text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM runs WHERE runs.id = ANY (chosen) ORDER BY runs.id FOR KEY SHARE;
    UPDATE runs SET erasable_from = NULL, read_by = NULL
    WHERE runs.id IN (
        SELECT ended.id FROM runs AS ended
        WHERE ended.id = ANY (chosen) AND ended.status <> 'running'
          AND (ended.erasable_from IS NOT NULL OR ended.read_by IS NOT NULL)
        ORDER BY ended.id FOR NO KEY UPDATE);
END
$$;

-- settle_and_claim of 0003, where late news of a run that is over make its messages move.
CREATE OR REPLACE FUNCTION settle_and_claim(
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
    IF verdict = 'over' AND cardinality(keys) > 0 THEN
        PERFORM changes_ended_runs(ARRAY[this_run]);
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
              AND position('|' || messages.state || '|' IN outcome.sources) > 0
            RETURNING messages.key
        )
        SELECT array_agg(outcome.key) INTO refused
        FROM outcome
        WHERE NOT EXISTS (SELECT FROM settled WHERE settled.key = outcome.key)
          AND NOT ((repeated OR again) AND EXISTS (
            SELECT FROM messages
            WHERE messages.key = outcome.key AND messages.run || '' = this_run
              AND (messages.state = outcome.state
                   OR (messages.state = 'sending' AND messages.claimed_in = this_turn))));
    END IF;
    IF verdict = 'done' AND refused IS NULL AND cardinality(claims) > 0 THEN
        IF repeated THEN
            SELECT array_agg(messages.key) INTO claimed FROM messages
            WHERE messages.key = ANY (claims) AND messages.run || '' = this_run AND messages.state = 'sending'
              AND messages.claimed_in = this_turn;
        ELSE
            WITH won AS (
                UPDATE messages
                SET state = 'sending', attempts = messages.attempts + 1, claimed_in = this_turn, claimed_at = moment,
                    updated_at = moment
                WHERE messages.key = ANY (claims) AND messages.run || '' = this_run
                  AND messages.state IN ('planned', 'retry_wait')
                RETURNING messages.key
            )
            SELECT array_agg(won.key) INTO claimed FROM won;
        END IF;
    END IF;
END
$$;

-- shared_settle_and_claim of 0002, the same. A session that was not fenced and has its window open is seen as such by an
-- erasure, which then notes nothing of the run: so claims need no lock for this.
CREATE OR REPLACE FUNCTION shared_settle_and_claim(
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
    IF verdict <> 'done' AND cardinality(keys) > 0 THEN
        PERFORM changes_ended_runs(ARRAY[this_run]);
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
