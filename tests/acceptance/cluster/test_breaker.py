"""An outage, or a wrong channel, in the middle of a run that several workers carry out: how many messages it costs.

Each worker counts by itself what goes wrong in a row, and what is under way by then is lost too: so it costs, for each
worker, its concurrency and four more. If they counted together, it would be four less for each worker but one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from msgspec_runner.dispatch.breaker import MAX_DOUBTS, MAX_REJECTIONS
from tests.acceptance.cluster.team import ended, workers
from tests.acceptance.project import Project
from tests.acceptance.server import Posted, Server, accepted, answer, refused

StartServer = Callable[..., Server]

ROWS = 3840
"""A window is then longer than what is accepted and what a worker has under way together: nobody runs out of messages."""

WORKERS = 4
HEALTHY = 49
"""Posts that are accepted before it begins."""


def states_after(team: Project, serve: StartServer, concurrency: int, said: bytes, *, words: str) -> Counter[str]:
    """Run until it stops by itself: from one post on the API says the same to all, when all are as busy as they can."""
    all_busy = asyncio.Event()

    async def script(posted: Posted) -> bytes:
        if posted.number <= HEALTHY:
            return accepted(posted)
        if posted.number == HEALTHY + WORKERS * concurrency:
            all_busy.set()
        await all_busy.wait()
        return said

    del team.env["MSGSPEC_RUNNER_TEST_LEASE"]  # nobody is silent here
    server = serve(script)
    team.spec(ROWS).towards(server)
    started = workers(team, WORKERS, "--concurrency", str(concurrency))
    result = team.send("--cluster")
    assert result.code == 5, result.err
    assert words in result.err
    ended(started)
    assert set(server.times_by_number.values()) == {1}
    states = Counter(message["state"] for message in team.messages())
    assert states["accepted"] == HEALTHY
    assert states["planned"] == ROWS - len(server.requests), "what was not posted is free for the next send"
    return states


@pytest.mark.parametrize("concurrency", [2, 10])
def test_an_outage_puts_in_doubt_what_each_worker_has_under_way_and_four_more(
    team: Project, serve: StartServer, concurrency: int
) -> None:
    states = states_after(team, serve, concurrency, answer(500), words=f"{MAX_DOUBTS} messages in a row are in doubt")
    assert set(states) == {"accepted", "in_doubt", "planned"}
    assert WORKERS * concurrency <= states["in_doubt"] <= WORKERS * (concurrency + MAX_DOUBTS - 1)


def test_a_wrong_channel_is_refused_to_each_worker_until_it_has_seen_enough(team: Project, serve: StartServer) -> None:
    states = states_after(team, serve, 10, refused("Channel not found."), words="were rejected alike")
    assert set(states) == {"accepted", "rejected", "planned"}
    assert WORKERS * 10 <= states["rejected"] <= WORKERS * (10 + MAX_REJECTIONS - 1)
