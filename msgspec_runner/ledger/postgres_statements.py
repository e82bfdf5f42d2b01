"""The SQL of the PostgreSQL ledger, by name. Lists travel as arrays: a call is one round trip, whatever its length."""

from __future__ import annotations

from typing import Final

ENTRIES: Final = """
SELECT key, state, digest, run, run IN (SELECT id FROM living)
FROM messages WHERE key = ANY (%s)
"""

UNSENT: Final = """
SELECT asked.key, state, messages.digest, run, run IN (SELECT id FROM living)
FROM unnest(%s::text[], %s::text[]) AS asked (key, digest) LEFT JOIN messages ON messages.key = asked.key
WHERE (state, messages.digest) IS DISTINCT FROM ('accepted', asked.digest)
"""

LIVING: Final = "SELECT id FROM living"

LOCK: Final = "SELECT pg_try_advisory_lock(%s)"

UNLOCK: Final = "SELECT pg_advisory_unlock_all()"

WHO_AM_I: Final = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"

END_SESSION: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s AND backend_start = %s"

BEGIN_RUN: Final = """
INSERT INTO runs (id, origin, status, specs, version, host, pid, started_at, lock)
VALUES (%s, %s, 'running', %s, %s, %s, %s, %s, %s)
"""

RUN_STATE: Final = "SELECT status FROM runs WHERE id = %s FOR NO KEY UPDATE"

END_RUN: Final = "UPDATE runs SET status = %s, ended_at = %s, reason = %s, totals = %s WHERE id = %s"

DOUBT_SENDING: Final = """
UPDATE messages SET state = 'in_doubt', error = %s, updated_at = %s WHERE run = %s AND state = 'sending'
"""

REPLAN_WAITING: Final = """
UPDATE messages SET state = 'planned', updated_at = %s WHERE run = %s AND state = 'retry_wait'
"""

RUNNING: Final = """
SELECT id, lock FROM runs
WHERE status = 'running' AND NOT EXISTS (SELECT FROM shared_runs WHERE shared_runs.run = runs.id) ORDER BY id
"""
"""Those with a process of their own."""

LOCK_DEAD: Final = "SELECT pg_try_advisory_xact_lock(%s)"

PLAN: Final = """
WITH this_write AS (
    UPDATE runs SET commits = %(write)s WHERE id = %(run)s AND commits < %(write)s AND status = 'running' RETURNING id
), taken AS (
    INSERT INTO messages (key, run, position, origin, spec, edition, recipient_key, "to", row, state, digest, body,
                          segments, delivery, attempts, created_at, updated_at)
    SELECT given.key, this_write.id, given.position, %(origin)s, given.spec, given.edition, given.recipient_key,
           given."to", given.row, 'planned', given.digest, given.body, given.segments, given.delivery, 0,
           %(now)s, %(now)s
    FROM this_write, unnest(%(keys)b::text[], %(positions)b::bigint[], %(specs)b::text[], %(editions)b::bigint[],
                      %(recipient_keys)b::text[], %(numbers)b::text[], %(rows)b::bigint[], %(digests)b::text[],
                      %(bodies)b::bytea[], %(segments)b::integer[], %(deliveries)b::text[])
         AS given (key, position, spec, edition, recipient_key, "to", row, digest, body, segments, delivery)
    ORDER BY given.key COLLATE "C"
    ON CONFLICT (key) DO UPDATE SET
        run = excluded.run, position = excluded.position, row = excluded.row, state = 'planned', reason = NULL,
        recipient_key = excluded.recipient_key, "to" = excluded."to", digest = excluded.digest, body = excluded.body,
        segments = excluded.segments, delivery = excluded.delivery, message_id = NULL, http_status = NULL,
        error = NULL, attempts = 0, claimed_in = NULL, claimed_at = NULL, scheduled_for = NULL,
        updated_at = excluded.updated_at
    WHERE (messages.state IN ('planned', 'released')
           OR (messages.state = 'rejected' AND messages.digest <> excluded.digest))
      AND EXISTS (SELECT FROM runs WHERE runs.id = messages.run AND runs.status <> 'running')
    RETURNING key
)
SELECT (SELECT count(*) FROM this_write), (SELECT count(*) FROM taken)
"""
"""Ordered by key, so that two plans that overlap wait for each other instead of both failing. A run that this
statement cannot see yet is one that has just begun: its messages are not taken."""

COUNT_PLANNED: Final = "SELECT count(*) FROM messages WHERE run = %s AND position BETWEEN %s AND %s"

SKIP: Final = """
WITH this_write AS (
    UPDATE runs SET commits = %(write)s WHERE id = %(run)s AND commits < %(write)s AND status = 'running' RETURNING id
), entered AS (
    INSERT INTO skips (run, spec, edition, row, reason, "to", recipient_key, key, segments, created_at)
    SELECT this_write.id, given.spec, given.edition, given.row, given.reason, given."to", given.recipient_key,
           given.key, given.segments, %(now)s
    FROM this_write, unnest(%(specs)b::text[], %(editions)b::bigint[], %(rows)b::bigint[], %(reasons)b::text[],
                      %(numbers)b::text[], %(recipient_keys)b::text[], %(keys)b::text[], %(segments)b::integer[])
         WITH ORDINALITY
         AS given (spec, edition, row, reason, "to", recipient_key, key, segments, place)
    ORDER BY place
    RETURNING id
)
SELECT (SELECT count(*) FROM this_write), (SELECT count(*) FROM entered)
"""

PENDING: Final = """
SELECT position, key, spec, row, "to", body, delivery
FROM messages WHERE run = %s AND position > %s AND state = 'planned' ORDER BY position LIMIT %s
"""

SETTLE_AND_CLAIM: Final = """
SELECT verdict, refused, claimed
FROM settle_and_claim(%(run)s, %(write)s, %(again)s, %(now)s,
                      %(keys)b::text[], %(states)b::text[], %(statuses)b::integer[], %(ids)b::text[],
                      %(errors)b::text[], %(tries)b::integer[], %(times)b::text[], %(schedules)b::text[],
                      %(sources)b::text[], %(claims)b::text[])
"""

STATES_OF: Final = "SELECT key, state, run FROM messages WHERE key = ANY (%s)"

SETTLE_NOTED: Final = """
UPDATE messages SET state = %(state)s, http_status = %(http_status)s, message_id = coalesce(%(message_id)s, message_id),
                    error = %(error)s, attempts = coalesce(%(attempts)s, attempts), updated_at = %(at)s,
                    scheduled_for = coalesce(%(scheduled_for)s, scheduled_for)
WHERE key = %(key)s AND run = %(run)s AND state = ANY (%(sources)s) AND coalesce(claimed_in, 0) <= %(write)s
  AND claimant(claimed_in) = claimant(%(write)s)
"""

RELEASE: Final = """
UPDATE messages SET state = 'released', reason = %s, updated_at = %s
WHERE key = ANY (%s) AND state = ANY (%s) AND run || '' = ANY (%s)
RETURNING key
"""

RESOLVE: Final = """
UPDATE messages SET state = %s, http_status = coalesce(%s, http_status), message_id = coalesce(%s, message_id),
                    error = %s, attempts = coalesce(%s, attempts), updated_at = %s,
                    scheduled_for = coalesce(%s, scheduled_for)
WHERE key = %s AND state = ANY (%s) AND run || '' = ANY (%s)
RETURNING key
"""

MESSAGE_IDS: Final = "SELECT origin, message_id, key FROM messages WHERE message_id = ANY (%s)"
"""No index helps: it would cost every commit of every run more than the few calls of ``resolve`` are worth."""

ORIGINS: Final = "SELECT key, origin FROM messages WHERE key = ANY (%s)"

RUNS_OF: Final = "SELECT DISTINCT run FROM messages WHERE key = ANY (%s)"

CHANGES_ENDED_RUNS: Final = "SELECT changes_ended_runs(%s)"
"""Before messages are moved outside of a run: what an erasure noted of their runs is not true any more."""

ONE_RESOLVER: Final = "SELECT pg_advisory_xact_lock(hashtext('msgspec-runner resolve'), hashtext(current_schema()))"
"""Two that resolve at once must see each other's message ids."""

DECIDE: Final = """
INSERT INTO decisions (key, at, "by", what, reason) VALUES (%s, %s, %s, %s, %s)
"""

LOCK_LOST: Final = "SELECT pg_advisory_xact_lock(hashtext('msgspec-runner lost'), hashtext(%(key)s))"

KEEP_LOST: Final = """
INSERT INTO decisions (key, at, "by", what, reason)
SELECT %(key)s, %(at)s, 'recover', 'lost', %(reason)s
WHERE NOT EXISTS (SELECT FROM messages WHERE key = %(key)s AND message_id = %(message_id)s)
  AND NOT EXISTS (SELECT FROM decisions WHERE key = %(key)s AND what = 'lost' AND reason = %(reason)s)
"""

DECISIONS: Final = """
SELECT id, key, at, "by", what, reason
FROM decisions WHERE id > %(after)s AND (%(key)s::text IS NULL OR key = %(key)s) ORDER BY id LIMIT %(limit)s
"""

ERASE: Final = """
WITH page AS (
    SELECT key FROM messages WHERE key > %(after)s ORDER BY key LIMIT %(limit)s
), erased AS (
    UPDATE messages SET "to" = '', recipient_key = '', body = '', error = NULL, delivery = NULL
    WHERE key IN (SELECT key FROM page)
      AND NOT ("to" = '' AND recipient_key = '' AND length(body) = 0 AND error IS NULL)
      AND (%(before)s::text IS NULL OR updated_at < %(before)s) AND "to" = %(number)s
      AND state = ANY (%(states)s) AND run NOT IN (SELECT id FROM living)
    RETURNING key
)
SELECT (SELECT count(*) FROM erased), (SELECT max(key) FROM page)
"""
"""One number's messages may be anywhere: it walks all keys."""

ERASE_SKIPS: Final = """
UPDATE skips SET "to" = '', recipient_key = ''
WHERE "to" = %(number)s AND (%(before)s::text IS NULL OR created_at < %(before)s)
  AND run NOT IN (SELECT id FROM living)
"""

ERASABLE_RUNS: Final = """
SELECT id FROM runs
WHERE id > %(after)s AND (erasable_from IS NULL OR erasable_from < %(before)s) AND id NOT IN (SELECT id FROM living)
ORDER BY id LIMIT %(limit)s
"""

READ_RUNS: Final = """
UPDATE runs SET read_by = %(reader)s
WHERE id IN (
    SELECT id FROM runs
    WHERE id = ANY (%(runs)s) AND status <> 'running'
      AND NOT EXISTS (SELECT FROM sessions WHERE sessions.run = runs.id AND NOT fenced)
    FOR UPDATE SKIP LOCKED)
"""
"""Who moves messages of an ended run holds a lock on it until that is committed: such a run is left out, as is one for
which a worker may still bring outcomes. From now on, each move is either seen by who reads, or ends ``read_by``."""

NOTE_RUNS: Final = """
UPDATE runs SET erasable_from = noted.since, read_by = NULL
FROM unnest(%(runs)s::text[], %(sinces)s::text[]) AS noted (run, since)
WHERE runs.id = noted.run AND runs.id IN (
    SELECT id FROM runs WHERE id = ANY (%(runs)s) AND read_by = %(reader)s FOR NO KEY UPDATE SKIP LOCKED)
"""

BY_INDEX: Final = "SET LOCAL enable_seqscan = off"
"""A page of a run is a walk along its index, whatever the planner knows."""

PAGE_OF_RUN: Final = """
SELECT count(*), max(position), count(*) FILTER (WHERE updated_at < %(before)s),
       min(updated_at) FILTER (WHERE updated_at >= %(before)s)
FROM (SELECT position, CASE WHEN state = ANY (%(states)s) AND NOT ("to" = '' AND recipient_key = ''
                                 AND length(body) = 0 AND error IS NULL) THEN updated_at END AS updated_at
      FROM messages WHERE run = %(run)s AND position > %(after)s
      ORDER BY position FETCH FIRST (%(limit)s) ROWS WITH TIES) AS page
"""
"""Rows, the last one's place, how many of them are to be erased, and the earliest last move of what is to be later."""

ERASE_OF_RUN: Final = """
UPDATE messages SET "to" = '', recipient_key = '', body = '', error = NULL, delivery = NULL
WHERE run = %(run)s AND position > %(after)s AND position <= %(last)s AND position %% %(parts)s = %(part)s
  AND NOT ("to" = '' AND recipient_key = '' AND length(body) = 0 AND error IS NULL)
  AND updated_at < %(before)s AND state = ANY (%(states)s) AND run NOT IN (SELECT id FROM living)
"""
"""A part of a page of a run. Its rows are no neighbours, so most find room in their own page of the table for what is
left of them, and no index has to be written."""

SKIPS_OF_RUN: Final = """
SELECT count(*), max(id), count(*) FILTER (WHERE created_at < %(before)s),
       min(created_at) FILTER (WHERE created_at >= %(before)s)
FROM (SELECT id, CASE WHEN NOT ("to" = '' AND recipient_key = '') THEN created_at END AS created_at
      FROM skips WHERE run = %(run)s AND id > %(after)s ORDER BY id LIMIT %(limit)s) AS page
"""

ERASE_SKIPS_OF_RUN: Final = """
UPDATE skips SET "to" = '', recipient_key = ''
WHERE run = %(run)s AND id > %(after)s AND id <= %(last)s AND id %% %(parts)s = %(part)s
  AND NOT ("to" = '' AND recipient_key = '') AND created_at < %(before)s AND run NOT IN (SELECT id FROM living)
"""

REDACT: Final = (
    "UPDATE shared_runs SET reason = replace(reason, %(digits)s, '•••') WHERE strpos(reason, %(digits)s) > 0",
    "UPDATE runs SET reason = replace(reason, %(digits)s, '•••') WHERE strpos(reason, %(digits)s) > 0",
    "UPDATE decisions SET reason = replace(reason, %(digits)s, '•••') WHERE strpos(reason, %(digits)s) > 0",
    "UPDATE messages SET reason = replace(reason, %(digits)s, '•••') WHERE strpos(reason, %(digits)s) > 0",
)
"""A number may stand in what a person or the API said."""

VACUUM: Final = ("VACUUM messages", "VACUUM skips", "VACUUM runs", "VACUUM decisions")

RUNS: Final = """
SELECT id, origin, status, specs, version, host, pid, started_at, ended_at, reason, totals
FROM runs ORDER BY started_at DESC, number DESC LIMIT %s
"""

RUN: Final = """
SELECT id, origin, status, specs, version, host, pid, started_at, ended_at, reason, totals
FROM runs WHERE id = %s
"""

RECORDS_OF_RUN: Final = """
SELECT run, position, message_objects.* FROM message_objects
WHERE run = %(run)s AND position > %(after)s AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(spec)s::text IS NULL OR spec = %(spec)s) AND (%(origin)s::text IS NULL OR origin = %(origin)s)
ORDER BY position LIMIT %(limit)s
"""

RECORDS: Final = """
SELECT run, position, message_objects.* FROM message_objects
WHERE (run, position) > (%(after_run)s, %(after)s) AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(spec)s::text IS NULL OR spec = %(spec)s) AND (%(origin)s::text IS NULL OR origin = %(origin)s)
ORDER BY run, position LIMIT %(limit)s
"""

STORED_OF_RUN: Final = """
SELECT run, position, stored_objects.* FROM stored_objects
WHERE run = %(run)s AND position > %(after)s AND (%(states)s::text[] IS NULL OR state = ANY (%(states)s))
  AND (%(origin)s::text IS NULL OR origin = %(origin)s)
ORDER BY position LIMIT %(limit)s
"""

STORED: Final = """
SELECT run, position, stored_objects.* FROM stored_objects
WHERE (run, position) > (%(after_run)s, %(after)s) AND (%(states)s::text[] IS NULL OR state = ANY (%(states)s))
  AND (%(origin)s::text IS NULL OR origin = %(origin)s)
ORDER BY run, position LIMIT %(limit)s
"""

SKIPS: Final = """
SELECT run, id, skip_objects.* FROM skip_objects
WHERE id > %(after)s AND (%(run)s::text IS NULL OR run = %(run)s)
  AND (%(spec)s::text IS NULL OR spec = %(spec)s) AND (%(origin)s::text IS NULL OR origin = %(origin)s)
ORDER BY id LIMIT %(limit)s
"""

TOTALS: Final = """
SELECT state, count(*) FROM messages WHERE %(run)s::text IS NULL OR run = %(run)s GROUP BY state
UNION ALL SELECT 'skipped', count(*) FROM skips WHERE %(run)s::text IS NULL OR run = %(run)s
"""

TOTALS_BY_SPEC: Final = """
SELECT spec, state, count(*) FROM messages WHERE run = %(run)s GROUP BY spec, state
UNION ALL SELECT spec, 'skipped', count(*) FROM skips WHERE run = %(run)s GROUP BY spec
"""
