"""One rate for many machines: the arithmetic. Pure; times are numbers.

The state of a run's :class:`~msgspec_runner.dispatch.pace.Pace` is a row of the database. A worker reserves **turns**
from it, a few at a time: moments at which it may post one message each. They lie at most :data:`AHEAD` in the future,
so a worker that dies takes little with it, and one that was not used in time is lost, so that turns cannot be saved up.
What a worker hears from the API (a 429, acceptances) it reports with its next request, and all learn of it with theirs.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable, Mapping

from msgspec_runner.cluster.exchange import Answer, Grant, Report
from msgspec_runner.dispatch.lanes import HORIZON
from msgspec_runner.dispatch.pace import PROOF, Pace, PaceState
from msgspec_runner.dispatch.retry import MAX_PAUSE

AHEAD = 0.35
"""Seconds: no turn is reserved that lies further in the future."""

LATE = 0.05
"""Seconds that a turn may be used late: half of what "no second holds more than 1.1 x the rate" allows; the other half
is the tolerance of :func:`~msgspec_runner.dispatch.pace.tolerance_of`."""

LEAD = 0.2
"""Seconds before its turn that a message may be made ready, at most: as long as connections took of late. It is claimed
as much earlier."""

_SLOW_DOWNS = 50
"""Slow-downs that a window remembers: enough for the time that an answer takes."""

_CONNECTIONS = 8
"""Connections of which the slowest tells how long the next may take."""

LOWEST_EVEN = 10.0
"""Messages a second. At a lower rate one late message more is too many for its second, so the turns are given
:data:`LATE` further apart: at most 5 % slower than was asked for. Below one a second there is nothing to hold."""

_ASK_AGAIN = HORIZON + 0.02
"""Seconds that a worker without a turn is told to wait: longer than what is claimed ahead, or it would not ask again;
shorter than twice that, or the message would be handed back."""

_SLACK = 1.0
"""Seconds that the next turn may lie further ahead than it ever does."""

SPARE = 1.5
"""How many times what it used lately a worker reserves: it may go faster, and wastes little if it does not."""

REPORTS = 2
"""For how many reports to come turns are reserved. Those of a worker lie close together, so of too many at once it
could not use the last ones."""

WASTE = 0.1
"""Turns that go by for one that is used, at most, where it is the rate that keeps messages waiting."""

_RESUMING = 2 * HORIZON
"""Seconds after a pause in which turns go by because what was lined up has to be claimed once more."""


class Unreadable(Exception):  # noqa: N818 - reads as what it says
    """Something about a run is in the ledger that this worker cannot read; says what, for people."""


def first_state(rate: float | None) -> str:
    """Return the state in which a shared pace begins, as the database keeps it.

    Args:
        rate: messages a second; None: as fast as the workers can.
    """
    if rate is not None and 1.0 <= rate < LOWEST_EVEN:
        rate /= 1.0 + LATE
    return written(Pace(rate))


def written(pace: Pace) -> str:
    """Return a pace as the database keeps it."""
    return json.dumps(pace.state)


def read(text: str) -> Pace:
    """Return the pace that :func:`written` wrote.

    Raises:
        Unreadable: it is something else.
    """
    try:
        state = PaceState(*json.loads(text))
        rates = [value for value in (state.full, state.rate, state.before) if value is not None]
        moments = (state.arrival, state.paused_until, state.slowed_at, state.window_start or 0.0)
        sound = all(0 < rate < math.inf for rate in rates) and all(moment < math.inf for moment in moments)
        if sound and 0 <= state.limit < math.inf and state.proof + state.window_count < math.inf:
            return Pace.of(state)
    except (ValueError, TypeError):
        pass
    raise Unreadable("the ledger holds no rate for this run that makes sense: something else has written there")


def reserve(paces: Mapping[str, Pace], reports: Mapping[str, Report], now: float) -> dict[str, Grant]:
    """Let the paces of a run learn what is reported, and take turns from them.

    A message of a spec with a rate of its own needs a turn of that and one of the run's, at one moment: they are
    reserved together, and before others are, so that a busy run does not starve its slow specs.

    Args:
        paces: by spec; the run's own is under the empty name. They are changed.
        reports: by spec, on the clock of ``now``.
        now: the present.
    """
    whole = paces[""]
    for pace in paces.values():
        _set_right(pace, now)
    if "" in reports:
        _learn(whole, reports[""], now)
    turns: dict[str, list[float]] = {spec: [] for spec in ("", *reports)}
    next_in: dict[str, float] = {}
    for spec in sorted(reports, reverse=True):  # the run's own comes last
        both = (paces[spec], whole) if spec else (whole,)
        wait = max(pace.wait(now) for pace in both)
        while len(turns[spec]) < reports[spec].wanted and wait <= AHEAD and any(pace.rate for pace in both):
            for pace in both:
                if pace.rate is not None:
                    pace.take(now + wait)
            turns[spec].append(now + wait)
            wait = max(pace.wait(now) for pace in both)
        next_in[spec] = max(0.0, wait - AHEAD)
    if whole.rate is not None:
        turns[""] = sorted(turn for each in turns.values() for turn in each)
    grants = {}
    for spec in turns:
        state = paces[spec].state
        grants[spec] = Grant(
            state.rate, state.paused_until, tuple(turns[spec]), next_in.get(spec, 0.0), state.slowed_at
        )
    return grants


def _learn(pace: Pace, report: Report, now: float) -> None:
    """Let a pace learn what a worker heard."""
    since = min(now, max(report.since, now - 1.0))
    for number in range(report.taken):
        turn = since + (now - since) * number / report.taken
        pace.recall(turn)
        pace.take(turn)
    pace.pause(report.paused_until)
    for heard, ended in report.throttled:
        # Each slow-down is later than the one before, or it would not be told apart.
        pace.throttled(heard, max(min(ended, now), math.nextafter(pace.state.slowed_at, math.inf)))
    for heard, ended in report.accepted:
        pace.accepted(heard, ended)


def _set_right(pace: Pace, now: float) -> None:
    """Let no run wait for a moment that a clock showed which was set back since."""
    state = pace.state
    too_far = pace.rate is not None and state.arrival > now + AHEAD + _SLACK + 2.0 / pace.rate
    if too_far or state.paused_until > now + MAX_PAUSE:
        pace.start_over(now)


class SharedPace(Pace):
    """A worker's end of a shared pace, for one window: it lets go what has a turn.

    Args:
        rate: messages a second when it was planned; None: not limited. Until the first grant nothing goes.
        stir: called when something should be reported at once.
    """

    def __init__(self, rate: float | None, stir: Callable[[], None]) -> None:
        super().__init__(rate)
        self._stir = stir
        self._turns: deque[float] = deque()
        self._granted = False
        self._report = Report()
        self._connects: deque[float] = deque(maxlen=_CONNECTIONS)
        self._used = 0
        """Turns that were used since the last report."""
        self._lapsed = 0
        """Turns that went by unused since then, other than for a pause."""
        self._heard: deque[tuple[float, float]] = deque(maxlen=_SLOW_DOWNS)
        """When a slow-down was heard of, and which. ``_slowed_at`` is when the last one was heard of, or infinite from
        a 429 until then; ``_proof`` is what this window knows of that one's."""
        self._proven = False
        """Whether it has a proof to tell."""

    # -- what the dispatcher asks ------------------------------------------------------------------------

    def wait(self, now: float) -> float:
        """Return the seconds until the next message may have its turn; 0: now. What waits to leave comes first."""
        return self._wait(now, self.queue, self._lead)

    @property
    def _lead(self) -> float:
        return min(LEAD, max(self._connects, default=0.0))

    def connected(self, seconds: float) -> None:
        """Hear how long a message was made ready to leave: where that takes long, it is begun before its turn."""
        self._connects.append(seconds)

    def _wait(self, now: float, behind: int = 0, lead: float = 0.0) -> float:
        pause = max(0.0, self._paused_until - now)
        if self._granted and self._rate is None:
            return pause
        while self._turns and self._turns[0] < now - self._late:
            self._lapsed += self._turns.popleft() >= self._paused_until + _RESUMING
        if len(self._turns) <= behind:
            return max(pause, _ASK_AGAIN)
        return max(pause, self._turns[behind] - lead - now, 0.0)

    def leaving(self, now: float, turn: float) -> float:
        """Return the seconds until a message may leave that had its turn; one whose turn is long past needs another."""
        if self._rate is None or now - turn <= self._late:
            return max(0.0, self._paused_until - now, turn - now)
        return self._wait(now)

    def leave(self, now: float, turn: float) -> None:
        """A message leaves that may."""
        if self._rate is None:
            self._report = self._report._replace(taken=self._report.taken + 1)
        elif now - turn > self._late:
            self._turns.popleft()
            self._used += 1

    @property
    def _late(self) -> float:
        """Seconds that a turn may be used late. Two that are a second apart are in no second together; and at a message
        an hour, who comes a moment too late must not wait for an hour."""
        return LATE if self._rate is None else max(LATE, 1.0 / self._rate - 1.0)

    def take(self, now: float) -> float:
        """Let one message go if it may; return 0 if it does, else the seconds to wait before asking again."""
        wait = self.wait(now)
        if wait > 0:
            return wait
        self.turn = now
        if self._rate is not None:
            self.turn = self._turns[self.queue]
            del self._turns[self.queue]
            self._used += 1
        return 0.0

    def allowance(self, now: float, horizon: float, limit: int) -> int:
        """Return how many messages may go until ``now + horizon`` (seconds), at most ``limit``."""
        if self.wait(now) > horizon:
            return 0
        if self._rate is None:
            return limit
        return min(limit, sum(turn - self._lead <= now + horizon for turn in self._turns) - self.queue)

    def pause(self, until: float) -> None:
        """Let nothing go before ``until``, here at once and everywhere soon."""
        super().pause(until)
        self._report = self._report._replace(paused_until=max(self._report.paused_until, until))
        self._stir()

    def throttled(self, started: float, now: float) -> bool:
        """Report a 429; return whether it begins a burst, as far as this window knows."""
        self._report = self._report._replace(throttled=(*self._report.throttled, self._answer(started, now)))
        self._stir()
        if started < self._slowed_at:
            self._proof -= 1
            return False
        self._slowed_at, self._proof = math.inf, 0
        return True

    def accepted(self, started: float, now: float) -> None:
        """Report an acceptance that a rate could learn from: at once where it completes a proof."""
        of_burst = started < self._slowed_at
        if of_burst or self._binding:
            self._report = self._report._replace(accepted=(*self._report.accepted, self._answer(started, now)))
        if of_burst:
            self._proof += 1
            if self._proof == PROOF:
                self._proven = True
                self._stir()

    def _answer(self, started: float, now: float) -> Answer:
        heard = (slowed_at for when, slowed_at in reversed(self._heard) if when <= started)
        return Answer(next(heard, float("-inf")), now)

    @property
    def slowed(self) -> float | None:
        """The rate that a 429 left; None: the answer to the report has not come."""
        return None if self._slowed_at == math.inf else self._rate

    # -- what the desk asks ------------------------------------------------------------------------------

    def wish(self, now: float, since: float, demand: int, idle: int) -> int:
        """Return how many turns to ask for.

        Args:
            now: the present.
            since: when the last report was made.
            demand: messages that only wait for this pace.
            idle: of the worker's posts at once, those that nothing is done with.
        """
        self.wait(now)  # what is too late is no turn any more
        likely = round(SPARE * self._used * min(REPORTS, AHEAD / max(now - since, 0.001)))
        return max(0, min(demand, max(idle, likely)) - len(self._turns))

    @property
    def is_urgent(self) -> bool:
        """Whether there is something to tell that all others should hear soon."""
        return self._proven or bool(self._report.throttled) or self._report.paused_until > float("-inf")

    def report(self, since: float, wanted: int) -> Report:
        """Return what is to be told, and asked for; from now on it counts as told."""
        report = self._report._replace(wanted=wanted, since=since)
        if self._used or self._lapsed:
            self._binding = self._lapsed <= WASTE * self._used
        self._report, self._used, self._lapsed, self._proven = Report(), 0, 0, False
        return report

    def take_back(self, report: Report) -> None:
        """A report did not arrive: tell it again with the next."""
        mine = self._report
        self._report = Report(
            0,
            report.taken + mine.taken,
            report.since,
            report.accepted + mine.accepted,
            report.throttled + mine.throttled,
            max(report.paused_until, mine.paused_until),
        )

    def granted(self, grant: Grant, now: float) -> None:
        """Hear the answer.

        Args:
            grant: the answer, on this worker's clock.
            now: the present.
        """
        self._granted = True
        self._rate = grant.rate
        self._hear(grant.slowed_at, now)
        self._paused_until = max(self._paused_until, grant.paused_until)
        if grant.rate is None:
            self._turns.clear()
        self._turns = deque(sorted((*self._turns, *grant.turns)))

    def _hear(self, slowed_at: float, now: float) -> None:
        if slowed_at != (self._heard[-1][1] if self._heard else float("-inf")):
            if self._slowed_at < math.inf:  # the 429 was another's
                self._proof = 0
            self._slowed_at = now
            self._heard.append((now, slowed_at))
