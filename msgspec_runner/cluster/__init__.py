"""Many machines carry out one run (``docs/cluster.md``).

The plan of a run is in the PostgreSQL ledger, cut into windows (:mod:`msgspec_runner.ledger.postgres_shared`);
:mod:`.sharing` puts it there, and steers it. Procrastinate hands the windows out as jobs (:mod:`.queue`). A
:mod:`.worker` takes them and posts their messages (:mod:`.carrying`), at a pace that all share (:mod:`.pace`,
:mod:`.desk`); while it lives it looks after those that do not (:mod:`.housekeeping`). Jobs may come twice and workers
may be zombies: whether a message may be posted is decided by its claim in the ledger, and nowhere else.
"""

from __future__ import annotations
