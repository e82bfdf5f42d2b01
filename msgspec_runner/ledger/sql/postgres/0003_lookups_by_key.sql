-- settle_and_claim of 0001, with keys that are looked up as keys: a planner without statistics, as in the first minute
-- of a plan, takes "run = this_run" for rarer than a list of keys, and would walk the whole run for each commit. The
-- empty text at the end of "run" keeps its index out of it.

-- Settles outcomes and claims messages for a run: one round trip, and one transaction, by its number.
--
-- Of a number that was carried out already (its answer was lost with the connection) it says again what came of it.
-- A run that was taken for dead meanwhile ("over") settles what is legal and claims nothing.
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
