"""How fast: GCRA arithmetic, the same in one process and across machines. Pure: time comes in as a number.

GCRA (ITU-T I.371) keeps one number, the theoretical arrival time: the moment at which the next message would come if
all came evenly. A message may go up to a tolerance before it. The tolerance is half of what "no second holds more than
1.1 x the rate" allows; the other half is for the network, which does not keep our distances.
"""

from __future__ import annotations

from typing import NamedTuple

BURST = 0.1
"""A second may hold at most ``1 + BURST`` times the rate (contract, section 4)."""

REGAIN = 2.0
"""Messages a second that each acceptance gives back, far from the rate that was too fast: seconds from half to nearly
full."""

PROBE = 0.02
"""The same near that rate: about 2 % in a second, so that a limit is met seldom."""

PROBE_SECOND = 1.0
"""Messages a second that a whole second of acceptances gives back there at least, or a low rate would stay low."""

NEAR = (0.9, 1.1)
"""Shares of the rate that was too fast, between which the way up is slow. Who gets beyond was not near a limit."""

MEMORY = 0.8
"""Share of the rate that was too fast which is still remembered when a lower one was too fast as well: a limit that
fell is found by and by, and a few unlucky 429 do not make it look lower than it is."""

PROOF = 2
"""Requests that were in flight with a 429, and accepted, beyond those that got a 429 too: then there was room, the 429
was about one message, and the rate is given back at once."""

MIN_RATE = 1.0
"""Messages a second: no 429 brings the rate below it (unless it was configured lower); waits do the rest."""

JAM = 0.05
"""Seconds: where what waits to leave takes longer than this, nothing new has its turn."""

_MICROSECOND = 1e-6
"""Seconds: a shorter wait is a rounding error, and adding it to a clock may not move the clock at all."""


def gcra(arrival: float, now: float, interval: float, tolerance: float) -> tuple[float, float]:
    """Return (seconds to wait, the next theoretical arrival time if the message goes after that wait).

    Args:
        arrival: the theoretical arrival time so far.
        now: the present, in seconds on the same clock.
        interval: seconds between two messages: 1 / rate.
        tolerance: seconds that a message may be early.
    """
    wait = arrival - tolerance - now
    if wait < _MICROSECOND:
        wait = 0.0
    return wait, max(arrival, now + wait) + interval


def tolerance_of(rate: float) -> float:
    """Return the seconds that a message may be early at a rate: half of what :data:`BURST` leaves.

    In a second there are then fewer than ``1 + (1 + tolerance) * rate`` messages. Below 10/s the first message of a
    second alone uses up what is left, so there is no tolerance.
    """
    return max(0.0, BURST - 1.0 / rate) / 2


class PaceState(NamedTuple):
    """All that a :class:`Pace` knows, to be kept elsewhere and shared: the rates in messages a second, times in seconds
    of the clock that its methods are given. See there what each is for."""

    full: float | None = None
    rate: float | None = None
    arrival: float = float("-inf")
    paused_until: float = float("-inf")
    slowed_at: float = float("-inf")
    limit: float = 0.0
    before: float | None = None
    proof: int = 0
    binding: bool = True
    window_start: float | None = None
    window_count: int = 0


class Pace:
    """The pace of one run: a rate, its slow-down on 429, and a pause.

    Without a configured rate there is none until the first 429; then it is learnt from what was sent so far, and grows
    again beyond that.

    A **burst** is a 429 and whatever is answered to the requests that were in flight with it: they tell of one rate,
    so they halve it once. An API that is full refuses nearly all of them. If it takes them instead, the rate is not
    what it minds, and the halving is undone; the wait that it asked for stays.

    A message takes its **turn** and then **leaves**, which is later where a connection has to be made first: a server
    that stood still would get all at once what had its turn meanwhile. So both keep the distance, each by itself:
    turns, that no more is begun than may leave, and departures, because they are what the API sees.

    Args:
        rate: messages a second; None: as fast as the concurrency allows.
    """

    def __init__(self, rate: float | None = None) -> None:
        self._full = rate
        self._rate = rate
        self.turn = float("-inf")
        """The moment of the turn that was taken last."""
        self.queue = 0
        """Messages that could leave, and wait until they may."""
        self._left = float("-inf")
        """The theoretical arrival time of the next message to leave, as ``_arrival`` is that of the next turn."""
        self._arrival = float("-inf")
        self._paused_until = float("-inf")
        self._slowed_at = float("-inf")
        self._limit = 0.0
        """The rate that was too fast; it fades, see :data:`MEMORY`."""
        self._before: float | None = None
        """The rate before the burst; None: it is known by now that it was too fast, or not."""
        self._proof = 0
        """Of the requests in flight with the burst's first 429: accepted, less refused."""
        self._binding = True
        """Whether it is the rate that keeps the last message waiting: else it may be as high as it likes."""
        self._interval = 1.0 / rate if rate else 0.0
        self._tolerance = tolerance_of(rate) if rate else 0.0
        self._window_start: float | None = None
        self._window_count = 0

    @classmethod
    def of(cls, state: PaceState) -> Pace:
        """Return the pace that was in this state."""
        pace = cls(state.rate)
        pace._full = state.full
        pace._arrival, pace._paused_until = state.arrival, state.paused_until
        pace._slowed_at, pace._limit = state.slowed_at, state.limit
        pace._before, pace._proof, pace._binding = state.before, state.proof, state.binding
        pace._window_start, pace._window_count = state.window_start, state.window_count
        return pace

    @property
    def state(self) -> PaceState:
        """All that it knows, for :meth:`of`."""
        return PaceState(
            *(self._full, self._rate, self._arrival, self._paused_until, self._slowed_at, self._limit),
            *(self._before, self._proof, self._binding, self._window_start, self._window_count),
        )

    @property
    def rate(self) -> float | None:
        """Messages a second at present; None: not limited."""
        return self._rate

    @property
    def slowed(self) -> float | None:
        """The rate that the last 429 left; None: that is not known yet."""
        return self._rate

    def wait(self, now: float) -> float:
        """Return the seconds until the next message may have its turn; 0: now."""
        pause = self._pause(now)
        if self._rate is None:
            return pause
        jam = self.leaving(now, now) + self.queue * self._interval - JAM if self.queue else 0.0
        wait = max(jam, gcra(self._arrival, now, self._interval, self._tolerance)[0])
        return max(pause, wait if wait >= _MICROSECOND else 0.0)

    def _pause(self, now: float) -> float:
        return self._paused_until - now if self._paused_until - now >= _MICROSECOND else 0.0

    def leaving(self, now: float, turn: float) -> float:  # noqa: ARG002 - a shared pace asks for it
        """Return the seconds until a message may leave that had its turn; 0: now.

        Args:
            now: the present.
            turn: the moment of its turn.
        """
        pause = self._pause(now)
        return pause if self._rate is None else max(pause, gcra(self._left, now, self._interval, self._tolerance)[0])

    def leave(self, now: float, turn: float) -> None:  # noqa: ARG002 - a shared pace asks for it
        """A message leaves that may."""
        if self._rate is not None:
            self._left = gcra(self._left, now, self._interval, self._tolerance)[1]

    def connected(self, seconds: float) -> None:
        """Hear how long a message was made ready to leave; a shared pace wants to know."""

    def take(self, now: float) -> float:
        """Give a message its turn if it is time; return 0 if it is, else the seconds to wait before asking again."""
        wait = self.wait(now)
        if wait > 0:
            return wait
        self.turn = now
        if self._rate is None:
            self._count(now)
        else:
            self._binding = self._arrival > now - self._interval
            self._arrival = gcra(self._arrival, now, self._interval, self._tolerance)[1]
        return 0.0

    def allowance(self, now: float, horizon: float, limit: int) -> int:
        """Return how many messages may go until ``now + horizon`` (seconds), at most ``limit``."""
        first = self.wait(now)
        if first > horizon:
            return 0
        if self._rate is None:
            return limit
        arrival = max(self._arrival, now + first)
        return min(limit, max(1, int((now + horizon + self._tolerance - arrival) / self._interval) + 1))

    def start_over(self, now: float) -> None:
        """Forget when messages went and what the API asked to wait for; the rate stays."""
        self._arrival = self._paused_until = self._left = now

    def pause(self, until: float) -> None:
        """Let nothing go before ``until``; a shorter pause does not end a longer one."""
        self._paused_until = max(self._paused_until, until)

    def throttled(self, started: float, now: float) -> bool:
        """Halve the rate after a 429, once a burst; return whether this one began a burst.

        Args:
            started: when the throttled request began.
            now: when its answer came.
        """
        if started < self._slowed_at:
            self._proof -= 1
            return False
        if self._rate is not None:
            self._window_start = None
        self._slowed_at, self._proof = now, 0
        rate = self._before = self._rate if self._rate is not None else max(MIN_RATE, self._observed(now))
        self._limit = max(rate, MEMORY * self._limit)
        self._set(max(rate / 2, min(MIN_RATE, rate)))
        return True

    def accepted(self, started: float, now: float) -> None:
        """Give back a little of the rate that a 429 took, or all of it where the rate was not what the API minded.

        Args:
            started: when the accepted request began.
            now: when its answer came.
        """
        if self._rate is None:
            return
        if started < self._slowed_at:
            self._proof += now >= self._slowed_at  # a shared pace may hear late of what was accepted before the 429
            if self._before is not None and self._proof >= PROOF:
                self._set(max(self._rate, self._before))
                self._before = None
        elif self._binding and self._rate != self._full:
            faster = self._rate + self._step(self._rate)
            self._set(faster if self._full is None else min(self._full, faster))

    def _step(self, rate: float) -> float:
        low, high = (share * self._limit for share in NEAR)
        if rate >= high:
            return REGAIN
        return max(PROBE, PROBE_SECOND / self._limit, min(REGAIN, low - rate))

    def _set(self, rate: float) -> None:
        self._rate = rate
        self._interval = 1.0 / rate
        self._tolerance = tolerance_of(rate)

    def _count(self, now: float) -> None:
        if self._window_start is None:
            self._window_start = now
        elif now - self._window_start > 1.0:  # what is older counts half, so there is always enough to tell a rate from
            self._window_start, self._window_count = (self._window_start + now) / 2, self._window_count // 2
        self._window_count += 1

    def _observed(self, now: float) -> float:
        """Messages a second of late, from at least a tenth of a second."""
        return self._window_count * self._one_more(now)

    def _one_more(self, now: float) -> float:
        return 0.0 if self._window_start is None else 1.0 / max(0.1, now - self._window_start)

    def recall(self, now: float) -> None:
        """Hear late of a message that had its turn before a rate was learnt: then it was more than was observed.

        Args:
            now: the moment of its turn.
        """
        if self._rate is None or self._window_start is None or not self._window_start <= now < self._slowed_at:
            return
        more = self._one_more(self._slowed_at)
        self._limit += more
        if self._before is None:
            self._set(self._rate + more)
        else:
            self._before += more
            self._set(self._rate + more / 2)
