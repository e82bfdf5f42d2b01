"""The order in which a run's messages are claimed and posted, where specs have rates of their own.

A **lane** holds the messages of one spec with a ``delivery.rate``; those of all other specs share one. Within a lane
the order is that of the plan, and so it is between lanes, but for one thing: a lane whose rate lets nothing go is
passed over. The run's own pace holds for all of them together.

No I/O: pages of the plan come in, jobs go out, and the time is a number.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec_runner.dispatch.job import Job
from msgspec_runner.dispatch.pace import Pace
from msgspec_runner.ledger.ledger import Planned

HORIZON = 0.1
"""Seconds before its turn that a message may be claimed; one that would wait twice as long is handed back."""


_SHORTEST_WAIT = 0.001
"""Seconds that a job waits for its lane, so that rounding cannot make it ask again at once, and again."""


class Lane:
    """The messages of one pace, in the order of the plan.

    Attributes:
        pace: of the spec.
        backlog: planned, not claimed.
        ready: claimed, not posted yet.
        position: place in the run's plan up to which all of the lane's messages were read.
        exhausted: whether the plan was read to its end.
    """

    __slots__ = ("backlog", "exhausted", "pace", "position", "ready")

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.backlog: deque[Planned] = deque()
        self.ready: deque[Job] = deque()
        self.position = 0
        self.exhausted = False

    def room(self, now: float, horizon: float, limit: int) -> int:
        """Return how many messages more may go within ``horizon`` seconds, at most ``limit``."""
        return self.pace.allowance(now, horizon, limit + len(self.ready)) - len(self.ready)


class Lanes:
    """The messages of one run between the plan and the post.

    Args:
        rate: messages a second, of the whole run; None: as fast as the concurrency allows.
        rates: messages a second, by spec.
        concurrency: posts at once.
        make_pace: makes the pace of a spec (of the run: of an empty name) with that rate; None: one of this process.
    """

    def __init__(
        self,
        rate: float | None,
        rates: Mapping[str, float],
        concurrency: int,
        make_pace: Callable[[str, float | None], Pace] | None = None,
    ) -> None:
        make_pace = make_pace or (lambda _, own: Pace(own))
        self.pace = make_pace("", rate)
        """The run's own."""
        self._concurrency = concurrency
        self._common = Lane(Pace(None))
        self._by_spec = {spec: Lane(make_pace(spec, own)) for spec, own in rates.items()}
        self._lanes = (self._common, *self._by_spec.values())
        self._waiting: list[tuple[float, int, Job]] = []
        self._pause: tuple[float, float] = (float("-inf"), float("-inf"))
        """When the last pause for a 429 began, and when it ends."""

    # what is planned

    def hungry(self) -> Lane | None:
        """Return a lane that has more messages in the plan than it can hold against running dry; None: all have."""
        lean = [lane for lane in self._lanes if self._is_hungry(lane)]
        return min(lean, key=lambda lane: lane.position, default=None)

    def _is_hungry(self, lane: Lane) -> bool:
        return not lane.exhausted and len(lane.backlog) < self._concurrency

    def feed(self, start: int, page: Sequence[Planned], *, last: bool) -> None:
        """Take a page of the plan.

        A lane that has enough takes none of it, and reads on later from where it stopped: what is held in memory is
        bounded however slow a lane is.

        Args:
            start: the position behind which the page begins.
            page: the planned messages behind it.
            last: whether the plan ends with it.
        """
        end = page[-1].position if page else start
        by_lane: dict[Lane, list[Planned]] = defaultdict(list)
        for message in page:
            by_lane[self._lane(message)].append(message)
        for lane in self._lanes:
            if lane.position < start or lane.exhausted:
                continue
            mine = [message for message in by_lane[lane] if message.position > lane.position]
            if mine and not self._is_hungry(lane):
                lane.position = max(lane.position, mine[0].position - 1)
                continue
            lane.backlog.extend(mine)
            lane.position = max(lane.position, end)
            lane.exhausted = last

    @property
    def is_empty(self) -> bool:
        """Whether nothing is planned any more; what is claimed or waits does not count."""
        return not any(lane.backlog or not lane.exhausted for lane in self._lanes)

    def drop(self, is_lost: Callable[[Planned], bool]) -> int:
        """Take what is lost from the heads of the lanes, unclaimed; return how many messages that were."""
        dropped = 0
        for lane in self._lanes:
            while lane.backlog and is_lost(lane.backlog[0]):
                lane.backlog.popleft()
                dropped += 1
        return dropped

    # what waits for another attempt

    @property
    def waiting(self) -> int:
        """The number of messages that wait for another attempt."""
        return len(self._waiting)

    def wait(self, job: Job) -> None:
        """Let a job wait until it is due."""
        heapq.heappush(self._waiting, (job.due, job.message.position, job))

    # what is claimed

    @property
    def lined_up(self) -> int:
        """The number of claimed jobs that are not being posted yet."""
        return sum(len(lane.ready) for lane in self._lanes)

    def choose(self, now: float, sending: int) -> list[Job]:
        """Choose what to claim now, as many as may be posted at once or fewer: first what is due for another attempt.

        Args:
            now: the present, in seconds.
            sending: messages that are claimed already.
        """
        free = 2 * self._concurrency - sending
        # Who waits for the spec's own rate keeps nobody else waiting.
        in_line = self.lined_up - self._early(now)
        room = min(self.pace.allowance(now, HORIZON, 2 * self._concurrency) - in_line, free, self._concurrency)
        jobs: list[Job] = []
        chosen: defaultdict[Lane, int] = defaultdict(int)
        while len(jobs) < room and self._waiting and self._waiting[0][0] <= now:
            job = heapq.heappop(self._waiting)[2]
            if job.due < self._pause[1]:
                job.postpone(max(job.due, self._pause[0]), job.due)  # that it waited for the pause, is excused
            lane = self._lane(job.message)
            if lane.room(now, HORIZON, self._concurrency) > chosen[lane]:
                chosen[lane] += 1
                jobs.append(job)
            else:
                job.postpone(now, now + max(lane.pace.wait(now) - HORIZON, _SHORTEST_WAIT))
                self.wait(job)
        # Waiting messages keep their places: an outage must not pull the whole plan into retry_wait.
        new = min(room, free - len(self._waiting)) - len(jobs) if now >= self._pause[1] else 0
        jobs.extend(self._new(now, new, chosen))
        return jobs

    def _early(self, now: float) -> int:
        """Return how many claimed jobs wait for their spec's own rate."""
        return sum(len(lane.ready) for lane in self._lanes if lane.pace.wait(now))

    def _new(self, now: float, number: int, chosen: defaultdict[Lane, int]) -> Iterator[Job]:
        """Take from the backlogs what may go at once, in the order of the plan; then a little of what may go soon."""
        for horizon, most in ((0.0, number), (HORIZON, max(1, self._concurrency // 2) - self._early(now))):
            most = min(most, number)
            if most <= 0:
                continue
            rooms = {
                lane: lane.room(now, horizon, self._concurrency) - chosen[lane] for lane in self._lanes if lane.backlog
            }
            for _ in range(most):
                lanes = [lane for lane, room in rooms.items() if room > 0 and lane.backlog]
                if not lanes:
                    break
                lane = min(lanes, key=lambda lane: lane.backlog[0].position)
                rooms[lane] -= 1
                number -= 1
                chosen[lane] += 1
                yield Job(lane.backlog.popleft())

    def line_up(self, job: Job) -> None:
        """Put a claimed job into its lane."""
        self._lane(job.message).ready.append(job)

    def pause(self, until: float, now: float) -> list[Job]:
        """Let nothing go before ``until``, because of a 429; return the jobs that were lined up, to wait unclaimed.

        So what was tried first is the first that is tried again, and nothing is claimed that was not tried yet.
        """
        self.pace.pause(until)
        began, end = self._pause
        self._pause = began if now < end else now, max(until, end)
        lined_up = [job for lane in self._lanes for job in lane.ready]
        for lane in self._lanes:
            lane.ready.clear()
        for job in lined_up:
            job.postpone(now, job.first if job.attempts else until)
        return lined_up

    def next_turn(self, now: float) -> tuple[float, Lane] | None:
        """Return the seconds until the next job may go (0: now) and its lane; None: none is lined up."""
        overall = self.pace.wait(now)
        first: tuple[float, int] | None = None
        chosen = self._common
        for lane in self._lanes:
            if lane.ready:
                turn = max(overall, lane.pace.wait(now)), lane.ready[0].message.position
                if first is None or turn < first:
                    first, chosen = turn, lane
        return None if first is None else (first[0], chosen)

    def take(self, lane: Lane, now: float) -> Job:
        """Let the next job of a lane go: its turn has come."""
        self.pace.take(now)
        lane.pace.take(now)
        job = lane.ready.popleft()
        job.turns = self.pace.turn, lane.pace.turn
        return job

    def leaving(self, job: Job, now: float) -> float:
        """Return the seconds until a job may leave that had its turn; 0: now."""
        whole, own = job.turns
        return max(self.pace.leaving(now, whole), self._lane(job.message).pace.leaving(now, own))

    def leave(self, job: Job, now: float) -> None:
        """A job leaves that may."""
        whole, own = job.turns
        self.pace.leave(now, whole)
        self._lane(job.message).pace.leave(now, own)

    def depart(self, job: Job, now: float, *, is_first: bool) -> bool:
        """Let a job leave that began and is ready, if it may; return whether it does.

        Args:
            job: whose turn was taken.
            now: the present, in seconds.
            is_first: whether nobody else waits to leave.
        """
        whole, own = self.pace, self._lane(job.message).pace
        seconds, job.began = now - job.began, now
        whole.connected(seconds)
        own.connected(seconds)
        if not is_first or whole.leaving(now, job.turns[0]) or own.leaving(now, job.turns[1]):
            return False
        whole.leave(now, job.turns[0])
        own.leave(now, job.turns[1])
        return True

    def queue(self, job: Job, change: int) -> None:
        """Count a job that could leave and has to wait (+1), or that waits no longer (-1)."""
        for pace in (self.pace, self._lane(job.message).pace):
            pace.queue += change

    def seconds_to_next(self, now: float) -> float | None:
        """Return the seconds until something more may be claimed; None: not before something else happens."""
        overall = self.pace.wait(now)
        times = [max(overall, lane.pace.wait(now)) - HORIZON for lane in self._lanes if lane.backlog]
        times += [max(overall - HORIZON, self._waiting[0][0] - now)] if self._waiting else []
        times.append(self._pause[1] - now)
        # What could go now waits for a place, and the bell rings when there is one.
        return min((seconds for seconds in times if seconds > 0), default=None)

    def demand(self, now: float) -> dict[str, int]:
        """Return how many messages are ready to go: by spec that has a pace, and those of all others under no name."""
        due = Counter(self._lane(job.message) for when, _, job in self._waiting if when <= now + HORIZON)
        lanes = {"": self._common, **self._by_spec}
        # Who waits to leave may need another turn.
        return {spec: len(lane.backlog) + len(lane.ready) + due[lane] + lane.pace.queue for spec, lane in lanes.items()}

    def clear(self) -> tuple[list[Job], list[Job]]:
        """Give back what is not being posted: the jobs that are claimed, and those that wait for another attempt."""
        claimed = [job for lane in self._lanes for job in lane.ready]
        for lane in self._lanes:
            lane.ready.clear()
        waiting = [job for _, _, job in self._waiting]
        self._waiting.clear()
        return claimed, waiting

    def _lane(self, message: Planned) -> Lane:
        return self._by_spec.get(message.spec, self._common)
