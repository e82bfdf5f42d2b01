"""The SQL of runs that several workers carry out, by name; see ``sql/postgres/0002_shared_runs.sql``."""

from __future__ import annotations

from typing import Final

# -- planning: one transaction, from the run to the jobs ---------------------------------------------------

PLANNED_BY: Final = "SELECT count(*) FROM messages WHERE run = %s"

GIVEN: Final = """
CREATE TEMPORARY TABLE given (
    position bigint, key text COLLATE "C", recipient_key text, spec text, edition bigint, row bigint, "to" text,
    body bytea, digest text, segments integer, delivery text
) ON COMMIT DROP
"""

COPY_GIVEN: Final = """
COPY given (position, key, recipient_key, spec, edition, row, "to", body, digest, segments, delivery) FROM STDIN
"""

TAKE_GIVEN: Final = """
INSERT INTO messages (key, run, position, origin, spec, edition, recipient_key, "to", row, state, digest, body,
                      segments, delivery, attempts, created_at, updated_at)
SELECT DISTINCT ON (given.key)
       given.key, %(run)s, given.position, %(origin)s, given.spec, given.edition, given.recipient_key, given."to",
       given.row, 'planned', given.digest, given.body, given.segments, given.delivery, 0, %(now)s, %(now)s
FROM given
ORDER BY given.key, given.position
ON CONFLICT (key) DO UPDATE SET
    run = excluded.run, position = excluded.position, row = excluded.row, state = 'planned', reason = NULL,
    recipient_key = excluded.recipient_key, "to" = excluded."to", digest = excluded.digest, body = excluded.body,
    segments = excluded.segments, delivery = excluded.delivery, message_id = NULL, http_status = NULL,
    error = NULL, attempts = 0, claimed_in = NULL, claimed_at = NULL, scheduled_for = NULL,
    updated_at = excluded.updated_at
WHERE (messages.state IN ('planned', 'released')
       OR (messages.state = 'rejected' AND messages.digest <> excluded.digest))
  AND EXISTS (SELECT FROM runs WHERE runs.id = messages.run AND runs.status <> 'running')
"""
"""The same rules as ``PLAN`` of an ordinary run, and the same order: two plans that overlap wait for each other."""

COPY_SKIPS: Final = """
COPY skips (run, spec, edition, row, reason, "to", recipient_key, key, segments, created_at) FROM STDIN
"""

SHARE: Final = "INSERT INTO shared_runs (run, queue, settings) VALUES (%s, %s, %s)"

STRETCHES: Final = """
SELECT spec, min(position), max(position), count(*) FROM messages WHERE run = %s GROUP BY spec ORDER BY min(position)
"""

CUT_WINDOWS: Final = """
INSERT INTO windows (run, first, last)
SELECT %(run)s, min(position), max(position)
FROM (SELECT position, (row_number() OVER (ORDER BY position) - 1) / %(size)s AS number
      FROM messages WHERE run = %(run)s AND position BETWEEN %(first)s AND %(last)s) AS numbered
GROUP BY number
RETURNING first, last
"""

SET_PACE: Final = """
INSERT INTO paces (run, spec, state) VALUES (%s, %s, %s) ON CONFLICT (run, spec) DO UPDATE SET state = excluded.state
"""

# -- how fast ----------------------------------------------------------------------------------------------

PACES: Final = """
SELECT spec, state, extract(epoch FROM clock_timestamp())::float8 FROM paces WHERE run = %s
"""

SWAP_PACES: Final = """
WITH given AS (
    SELECT * FROM unnest(%(specs)s::text[], %(before)s::text[], %(after)s::text[]) AS g (spec, before, after)
), same AS (
    SELECT paces.spec, given.after FROM paces JOIN given ON paces.spec = given.spec AND paces.state = given.before
    WHERE paces.run = %(run)s ORDER BY paces.spec FOR UPDATE OF paces
)
UPDATE paces SET state = same.after FROM same
WHERE paces.run = %(run)s AND paces.spec = same.spec AND (SELECT count(*) FROM same) = (SELECT count(*) FROM given)
"""
"""All of them or none. Nobody holds a lock between reading a pace and writing it: a worker that is cut off in between
would stop all others. Who was second reads again."""

# -- a worker's session ------------------------------------------------------------------------------------

REGISTER: Final = """
INSERT INTO sessions (worker, lock, pid, began, seen_at) VALUES (%s, %s, %s, %s, clock_timestamp()) RETURNING id
"""

COME_BACK: Final = """
UPDATE sessions SET pid = %s, began = %s, seen_at = clock_timestamp() WHERE id = %s AND NOT fenced
"""

ALIVE: Final = "SELECT id FROM sessions WHERE id = ANY (%s) AND NOT fenced"

BEAT: Final = """
UPDATE sessions SET seen_at = clock_timestamp()
WHERE id IN (SELECT id FROM sessions WHERE id = ANY (%s) AND NOT fenced FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id
"""
"""Who is not returned was fenced, or somebody has locked the row: :data:`ALIVE` tells which."""

BEAT_LOCKED: Final = """
UPDATE sessions SET seen_at = clock_timestamp() WHERE id = %s AND NOT fenced
"""
"""Waits for who has locked the row: first in line for the moment in which it is free."""

LEAVE: Final = "DELETE FROM sessions WHERE id = %s AND NOT fenced AND run IS NULL"

OPEN_WINDOW: Final = """
UPDATE sessions SET run = runs.id, first = %(first)s, last = %(last)s, seen_at = clock_timestamp()
FROM runs JOIN shared_runs ON shared_runs.run = runs.id
WHERE sessions.id = %(session)s AND NOT sessions.fenced
  AND (sessions.run IS NULL OR (sessions.run = %(run)s AND sessions.first = %(first)s))
  AND runs.id = %(run)s AND runs.origin = %(origin)s AND runs.status = 'running' AND shared_runs.wanted = 'go'
RETURNING shared_runs.settings
"""

WINDOW_PENDING: Final = """
SELECT position, key, spec, row, "to", body, delivery
FROM messages WHERE run = %s AND position > %s AND position <= %s AND state = 'planned' ORDER BY position LIMIT %s
"""

SETTLE_AND_CLAIM: Final = """
SELECT verdict, refused, claimed
FROM shared_settle_and_claim(%(session)s, %(write)s, %(again)s, %(run)s, %(now)s,
                             %(keys)b::text[], %(states)b::text[], %(statuses)b::integer[], %(ids)b::text[],
                             %(errors)b::text[], %(tries)b::integer[], %(times)b::text[], %(schedules)b::text[],
                             %(sources)b::text[], %(claims)b::text[])
"""

CLOSE_WINDOW: Final = "UPDATE sessions SET run = NULL, first = NULL, last = NULL WHERE id = %s AND NOT fenced"

LEFT_IN_WINDOW: Final = """
SELECT count(*) FILTER (WHERE state = 'planned'), count(*) FILTER (WHERE state IN ('sending', 'retry_wait')),
       count(*) FILTER (WHERE state IN ('sending', 'retry_wait') AND claimant(claimed_in) = %s)
FROM messages WHERE run = %s AND position BETWEEN %s AND %s
"""

WINDOW_DONE: Final = "UPDATE windows SET done = true WHERE run = %s AND first = %s"

# -- steering, and the end ---------------------------------------------------------------------------------

LOCK_SHARED: Final = """
SELECT runs.status, shared_runs.wanted, shared_runs.reason, shared_runs.queue
FROM shared_runs JOIN runs ON runs.id = shared_runs.run WHERE shared_runs.run = %s FOR UPDATE OF shared_runs
"""

STEER: Final = "UPDATE shared_runs SET wanted = %s, reason = %s WHERE run = %s"

IS_UNDONE: Final = "SELECT EXISTS (SELECT FROM windows WHERE run = %s AND NOT done)"

IS_WORKED_ON: Final = "SELECT EXISTS (SELECT FROM sessions WHERE run = %s AND NOT fenced)"

ONGOING: Final = """
SELECT runs.id FROM runs JOIN shared_runs ON shared_runs.run = runs.id WHERE runs.status = 'running' ORDER BY runs.id
"""

# -- the dead ----------------------------------------------------------------------------------------------

SET_SIGNS_RIGHT: Final = """
UPDATE sessions SET seen_at = clock_timestamp() WHERE NOT fenced AND seen_at > clock_timestamp()
"""
"""The server's clock was set back since. Who lives shows it again soon; who died must not seem to live until then."""

SILENT: Final = """
SELECT id, lock, extract(epoch FROM clock_timestamp() - greatest(seen_at, pg_postmaster_start_time()))::float8
FROM sessions WHERE NOT fenced AND seen_at < clock_timestamp() - make_interval(secs => %s) ORDER BY id
"""
"""Sessions without a sign of life, and for how long of the time in which the server was there to hear one. Nothing is
taken from the sign itself: somebody may have damaged it (``-infinity``)."""

FENCE: Final = """
UPDATE sessions SET fenced = true
WHERE id = (SELECT id FROM sessions
            WHERE id = %s AND NOT fenced AND seen_at < clock_timestamp() - make_interval(secs => %s)
            FOR NO KEY UPDATE SKIP LOCKED)
RETURNING run, first, last, pid, began
"""
"""Not one whose row somebody has locked: its own sign of life may be waiting for that, and shall come first."""

TAKE_BACK: Final = """
WITH behind AS (
    SELECT id, run, first FROM sessions WHERE fenced AND run IS NOT NULL ORDER BY id FOR UPDATE SKIP LOCKED
)
UPDATE sessions SET run = NULL, first = NULL, last = NULL FROM behind WHERE sessions.id = behind.id
RETURNING behind.run, behind.first
"""

DOUBT_CLAIMED: Final = """
UPDATE messages SET state = 'in_doubt', error = %s, updated_at = %s
WHERE run = %s AND position BETWEEN %s AND %s AND state = 'sending' AND claimant(claimed_in) = %s
"""

REPLAN_CLAIMED: Final = """
UPDATE messages SET state = 'planned', updated_at = %s
WHERE run = %s AND position BETWEEN %s AND %s AND state = 'retry_wait' AND claimant(claimed_in) = %s
"""

ADOPT: Final = """
UPDATE messages SET
    state = CASE messages.state WHEN 'sending' THEN 'in_doubt' ELSE 'planned' END,
    error = CASE messages.state WHEN 'sending' THEN %(error)s ELSE messages.error END,
    updated_at = %(now)s
WHERE messages.run = %(run)s AND messages.position BETWEEN %(first)s AND %(last)s
  AND messages.state IN ('sending', 'retry_wait')
  AND NOT EXISTS (SELECT FROM sessions WHERE sessions.id = claimant(messages.claimed_in) AND NOT sessions.fenced
                    AND sessions.run = %(run)s AND sessions.first = %(first)s)
"""
"""Claimed by nobody who is known to work there."""

FORGET_SESSIONS: Final = "DELETE FROM sessions WHERE fenced AND seen_at < clock_timestamp() - interval '7 days'"

# -- what is left when a run has ended ------------------------------------------------------------------------

LEFTOVERS: Final = """
SELECT shared_runs.run FROM shared_runs JOIN runs ON runs.id = shared_runs.run
WHERE shared_runs.run > %(after)s AND shared_runs.settings <> '{}'
  AND runs.status <> 'running' AND runs.ended_at COLLATE "C" < %(before)s
  AND NOT EXISTS (SELECT FROM sessions WHERE sessions.run = runs.id AND NOT fenced)
ORDER BY shared_runs.run LIMIT %(limit)s
"""
"""Not those where a worker has yet to find out that its run is over: without a pace it would wait for one."""

DROP_WINDOWS: Final = """
DELETE FROM windows WHERE run = %(run)s AND first IN (
    SELECT first FROM windows WHERE run = %(run)s ORDER BY first LIMIT %(limit)s)
"""

DROP_PACES: Final = "DELETE FROM paces WHERE run = %s"

DROP_SETTINGS: Final = "UPDATE shared_runs SET settings = '{}' WHERE run = %s"
"""The last step for a run. Its row stays: it says that the run was shared, and how it was steered."""

DROP_SESSIONS: Final = "DELETE FROM sessions WHERE fenced AND seen_at < %s::timestamptz"
"""A session that is unknown may do what a fenced one may."""

# -- watching ----------------------------------------------------------------------------------------------

STANDING: Final = """
SELECT runs.status, runs.reason, shared_runs.wanted, shared_runs.reason, shared_runs.queue,
       (SELECT count(DISTINCT worker) FROM sessions WHERE sessions.run = runs.id AND NOT fenced
          AND seen_at > clock_timestamp() - make_interval(secs => %(grace)s)),
       (SELECT state FROM paces WHERE paces.run = runs.id AND spec = ''),
       (SELECT extract(epoch FROM max(free_at))::float8
        FROM (SELECT seen_at, seen_at + make_interval(secs => %(heartbeat)s + CASE WHEN EXISTS (
                  SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted
                    AND ((classid::bigint << 32) | objid::bigint) = sessions.lock
              ) THEN %(fence)s ELSE %(grace)s END) AS free_at
              FROM sessions JOIN windows ON windows.run = sessions.run AND windows.first = sessions.first
              WHERE sessions.run = runs.id AND NOT windows.done) AS left_behind
        WHERE seen_at < clock_timestamp() - make_interval(secs => %(grace)s) AND free_at > clock_timestamp()),
       runs.origin
FROM runs JOIN shared_runs ON shared_runs.run = runs.id WHERE runs.id = %(run)s
"""
"""A window of a session that fell silent comes back into the queue when that is fenced, with the next look of a worker
that lives: after the time of grace where its lock is free, else after that of the fence."""

HELD: Final = """
SELECT shared_runs.run, shared_runs.wanted, shared_runs.reason
FROM shared_runs JOIN runs ON runs.id = shared_runs.run WHERE runs.status = 'running' AND shared_runs.wanted <> 'go'
"""

MIGRATION: Final = "SELECT migration FROM queue_schema"
