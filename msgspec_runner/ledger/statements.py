"""The SQL of the SQLite ledger, by name. Lists of keys travel as one JSON array, so every statement is a constant.

``+run`` keeps SQLite from walking a whole run where it should look up keys: without statistics it takes an
index on ``run`` for better than one on a list of keys.
"""

from __future__ import annotations

from typing import Final

LEDGER_ID: Final = "SELECT id FROM ledger"

ENTRIES: Final = """
SELECT key, state, digest, run, message_id, error, updated_at
FROM messages WHERE key IN (SELECT value FROM json_each(?))
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
                      segments, attempts, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'planned', ?, ?, ?, 0, ?, ?)
ON CONFLICT (key) DO UPDATE SET
    run = excluded.run, position = excluded.position, row = excluded.row, state = 'planned', reason = NULL,
    digest = excluded.digest, body = excluded.body, segments = excluded.segments, message_id = NULL,
    http_status = NULL, error = NULL, attempts = 0, updated_at = excluded.updated_at
WHERE (messages.state IN ('planned', 'released')
       OR (messages.state = 'rejected' AND messages.digest <> excluded.digest))
  AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = messages.run AND runs.status = 'running')
"""

SKIP: Final = """
INSERT INTO skips (run, spec, edition, row, reason, "to", recipient_key, key, segments, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

PENDING: Final = """
SELECT position, key, spec, row, "to", body
FROM messages WHERE run = ? AND position > ? AND state = 'planned' ORDER BY position LIMIT ?
"""

CLAIM: Final = """
UPDATE messages SET state = 'sending', attempts = attempts + 1, updated_at = ?
WHERE key IN (SELECT value FROM json_each(?)) AND +run = ? AND state IN ('planned', 'retry_wait')
RETURNING key
"""

CLAIM_ALL: Final = """
UPDATE messages SET state = 'sending', attempts = attempts + 1, updated_at = ?
WHERE key IN (SELECT value FROM json_each(?)) AND +run = ? AND state IN ('planned', 'retry_wait')
"""
"""As ``CLAIM``, for whoever need only know how many there were: each row that comes back is a wait for Python."""

SETTLE_ALL: Final = """
UPDATE messages SET state = outcome.state, http_status = outcome.http_status,
                    message_id = coalesce(outcome.message_id, messages.message_id), error = outcome.error,
                    attempts = coalesce(outcome.attempts, messages.attempts), updated_at = outcome.updated_at
FROM (SELECT json_extract(value, '$[0]') AS key, json_extract(value, '$[1]') AS state,
             json_extract(value, '$[2]') AS http_status, json_extract(value, '$[3]') AS message_id,
             json_extract(value, '$[4]') AS error, json_extract(value, '$[5]') AS attempts,
             json_extract(value, '$[6]') AS updated_at, json_extract(value, '$[7]') AS sources
      FROM json_each(?)) AS outcome
WHERE messages.key = outcome.key AND +messages.run = ? AND instr(outcome.sources, json_quote(messages.state))
"""
"""As ``SETTLE``, for a JSON array of arrays; the last item is the JSON array of the states it may come from."""

SETTLE: Final = """
UPDATE messages SET state = ?, http_status = ?, message_id = coalesce(?, message_id), error = ?,
                    attempts = coalesce(?, attempts), updated_at = ?
WHERE key = ? AND +run = ? AND state IN (SELECT value FROM json_each(?))
"""

STATE_OF: Final = "SELECT state, run FROM messages WHERE key = ?"

RELEASE: Final = """
UPDATE messages SET state = 'released', reason = ?, updated_at = ?
WHERE key IN (SELECT value FROM json_each(?)) AND state IN (SELECT value FROM json_each(?))
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
