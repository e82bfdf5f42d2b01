"""The SQL of the SQLite ledger, by name. Lists of keys travel as one JSON array, so every statement is a constant.

``+run`` keeps SQLite from walking a whole run where it should look up keys: without statistics it takes an
index on ``run`` for better than one on a list of keys.
"""

from __future__ import annotations

from typing import Final

LEDGER_ID: Final = "SELECT id FROM ledger"

ENTRIES: Final = """
SELECT key, state, digest, run
FROM messages WHERE key IN (SELECT value FROM json_each(?))
"""

UNSENT: Final = """
SELECT asked.key, state, digest, run
FROM json_each(?) AS asked LEFT JOIN messages ON messages.key = asked.key
WHERE state IS NULL OR state <> 'accepted' OR digest <> asked.value
"""

RUNNING: Final = "SELECT id FROM runs WHERE status = 'running'"

BEGIN_RUN: Final = """
INSERT INTO runs (id, origin, status, specs, version, host, pid, started_at)
VALUES (?, ?, 'running', ?, ?, ?, ?, ?)
"""

END_RUN: Final = "UPDATE runs SET status = ?, ended_at = ?, reason = ?, totals = ? WHERE id = ?"

DOUBT_SENDING: Final = """
UPDATE messages SET state = 'in_doubt', error = ?, updated_at = ? WHERE run = ? AND state = 'sending'
"""

REPLAN_WAITING: Final = """
UPDATE messages SET state = 'planned', updated_at = ? WHERE run = ? AND state = 'retry_wait'
"""

PLAN: Final = """
INSERT INTO messages (key, run, position, origin, spec, edition, recipient_key, "to", row, state, digest, body,
                      segments, delivery, attempts, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'planned', ?, ?, ?, ?, 0, ?, ?)
ON CONFLICT (key) DO UPDATE SET
    run = excluded.run, position = excluded.position, row = excluded.row, state = 'planned', reason = NULL,
    recipient_key = excluded.recipient_key, "to" = excluded."to", digest = excluded.digest, body = excluded.body,
    segments = excluded.segments, delivery = excluded.delivery, message_id = NULL, http_status = NULL, error = NULL,
    attempts = 0, claimed_at = NULL, scheduled_for = NULL, updated_at = excluded.updated_at
WHERE (messages.state IN ('planned', 'released')
       OR (messages.state = 'rejected' AND messages.digest <> excluded.digest))
  AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = messages.run AND runs.status = 'running')
"""

SKIP: Final = """
INSERT INTO skips (run, spec, edition, row, reason, "to", recipient_key, key, segments, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

PENDING: Final = """
SELECT position, key, spec, row, "to", body, delivery
FROM messages WHERE run = ? AND position > ? AND state = 'planned' ORDER BY position LIMIT ?
"""

CLAIM: Final = """
UPDATE messages SET state = 'sending', attempts = attempts + 1, claimed_at = :now, updated_at = :now
WHERE key IN (SELECT value FROM json_each(:keys)) AND +run = :run AND state IN ('planned', 'retry_wait')
RETURNING key
"""

CLAIM_ALL: Final = """
UPDATE messages SET state = 'sending', attempts = attempts + 1, claimed_at = :now, updated_at = :now
WHERE key IN (SELECT value FROM json_each(:keys)) AND +run = :run AND state IN ('planned', 'retry_wait')
"""
"""As ``CLAIM``, for whoever need only know how many there were: each row that comes back is a wait for Python."""

SETTLE_ALL: Final = """
UPDATE messages SET state = outcome.state, http_status = outcome.http_status,
                    message_id = coalesce(outcome.message_id, messages.message_id), error = outcome.error,
                    attempts = coalesce(outcome.attempts, messages.attempts), updated_at = outcome.updated_at,
                    scheduled_for = coalesce(outcome.scheduled_for, messages.scheduled_for)
FROM (SELECT json_extract(value, '$[0]') AS key, json_extract(value, '$[1]') AS state,
             json_extract(value, '$[2]') AS http_status, json_extract(value, '$[3]') AS message_id,
             json_extract(value, '$[4]') AS error, json_extract(value, '$[5]') AS attempts,
             json_extract(value, '$[6]') AS updated_at, json_extract(value, '$[7]') AS scheduled_for,
             json_extract(value, '$[8]') AS sources
      FROM json_each(?)) AS outcome
WHERE messages.key = outcome.key AND +messages.run = ? AND instr(outcome.sources, json_quote(messages.state))
"""
"""As ``SETTLE``, for a JSON array of arrays; the last item is the JSON array of the states it may come from."""

SETTLE: Final = """
UPDATE messages SET state = ?, http_status = ?, message_id = coalesce(?, message_id), error = ?,
                    attempts = coalesce(?, attempts), updated_at = ?, scheduled_for = coalesce(?, scheduled_for)
WHERE key = ? AND +run = ? AND state IN (SELECT value FROM json_each(?))
"""

STATE_OF: Final = "SELECT state, run FROM messages WHERE key = ?"

RELEASE: Final = """
UPDATE messages SET state = 'released', reason = ?, updated_at = ?
WHERE key IN (SELECT value FROM json_each(?)) AND state IN (SELECT value FROM json_each(?))
RETURNING key
"""

RESOLVE: Final = """
UPDATE messages SET state = ?, http_status = coalesce(?, http_status), message_id = coalesce(?, message_id), error = ?,
                    attempts = coalesce(?, attempts), updated_at = ?, scheduled_for = coalesce(?, scheduled_for)
WHERE key = ? AND state IN (SELECT value FROM json_each(?))
"""

MESSAGE_IDS: Final = """
SELECT origin, message_id, key FROM messages WHERE message_id IN (SELECT value FROM json_each(?))
"""
"""No index helps: it would cost every commit of every run more than the few calls of ``resolve`` are worth."""

ORIGINS: Final = "SELECT key, origin FROM messages WHERE key IN (SELECT value FROM json_each(?))"

DECIDE: Final = """
INSERT INTO decisions (key, at, "by", what, reason) VALUES (?, ?, ?, ?, ?)
"""

DECISIONS: Final = """
SELECT id, key, at, "by", what, reason
FROM decisions WHERE id > :after AND (:key IS NULL OR key = :key) ORDER BY id LIMIT :limit
"""

ERASE: Final = """
UPDATE messages SET "to" = '', recipient_key = '', body = x'', error = NULL, delivery = NULL
WHERE id BETWEEN :first AND :last AND NOT ("to" = '' AND recipient_key = '' AND length(body) = 0 AND error IS NULL)
  AND (:before IS NULL OR updated_at < :before) AND (:number IS NULL OR "to" = :number)
  AND state IN (SELECT value FROM json_each(:states))
  AND run NOT IN (SELECT value FROM json_each(:alive))
"""

ERASE_SKIPS: Final = """
UPDATE skips SET "to" = '', recipient_key = ''
WHERE id BETWEEN :first AND :last AND NOT ("to" = '' AND recipient_key = '')
  AND (:before IS NULL OR created_at < :before) AND (:number IS NULL OR "to" = :number)
  AND run NOT IN (SELECT value FROM json_each(:alive))
"""

LAST_ID: Final = "SELECT coalesce(max(id), 0) FROM messages"

LAST_SKIP: Final = "SELECT coalesce(max(id), 0) FROM skips"

REDACT: Final = (
    "UPDATE runs SET reason = replace(reason, :digits, '•••') WHERE instr(reason, :digits)",
    "UPDATE decisions SET reason = replace(reason, :digits, '•••') WHERE instr(reason, :digits)",
    "UPDATE messages SET reason = replace(reason, :digits, '•••') WHERE instr(reason, :digits)",
)
"""A number may stand in what a person or the API said."""

STORED_OF_RUN: Final = """
SELECT position, key, recipient_key, spec, edition, row, "to", body, digest, segments, delivery,
       run, state, claimed_at, updated_at, message_id, scheduled_for
FROM messages
WHERE run = :run AND position > :after AND (:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
  AND (:origin IS NULL OR origin = :origin)
ORDER BY position LIMIT :limit
"""

STORED: Final = """
SELECT id, key, recipient_key, spec, edition, row, "to", body, digest, segments, delivery,
       run, state, claimed_at, updated_at, message_id, scheduled_for
FROM messages
WHERE id > :after AND (:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
  AND (:origin IS NULL OR origin = :origin)
ORDER BY id LIMIT :limit
"""

RUNS: Final = "SELECT * FROM runs ORDER BY started_at DESC, rowid DESC LIMIT ?"

RUN: Final = "SELECT * FROM runs WHERE id = ?"

RECORDS_OF_RUN: Final = """
SELECT position, * FROM message_objects
WHERE run = :run AND position > :after AND (:state IS NULL OR state = :state)
  AND (:spec IS NULL OR spec = :spec) AND (:origin IS NULL OR origin = :origin)
ORDER BY position LIMIT :limit
"""

RECORDS: Final = """
SELECT id, * FROM message_objects
WHERE id > :after AND (:state IS NULL OR state = :state)
  AND (:spec IS NULL OR spec = :spec) AND (:origin IS NULL OR origin = :origin)
ORDER BY id LIMIT :limit
"""

SKIPS_OF_RUN: Final = """
SELECT id, * FROM skip_objects
WHERE run = :run AND id > :after
  AND (:spec IS NULL OR spec = :spec) AND (:origin IS NULL OR origin = :origin)
ORDER BY id LIMIT :limit
"""

SKIPS: Final = """
SELECT id, * FROM skip_objects
WHERE id > :after AND (:spec IS NULL OR spec = :spec) AND (:origin IS NULL OR origin = :origin)
ORDER BY id LIMIT :limit
"""

TOTALS_OF_RUN: Final = """
SELECT state, count(*) FROM messages WHERE run = :run GROUP BY state
UNION ALL SELECT 'skipped', count(*) FROM skips WHERE run = :run
"""

TOTALS: Final = """
SELECT state, count(*) FROM messages GROUP BY state UNION ALL SELECT 'skipped', count(*) FROM skips
"""

TOTALS_BY_SPEC: Final = """
SELECT spec, state, count(*) FROM messages WHERE run = :run GROUP BY spec, state
UNION ALL SELECT spec, 'skipped', count(*) FROM skips WHERE run = :run GROUP BY spec
"""
