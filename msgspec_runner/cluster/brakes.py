"""What ends the work on windows early: for a worker that shall end, and for runs that shall wait or stop."""

from __future__ import annotations

from collections.abc import Callable, Collection

from msgspec_runner.dispatch.dispatcher import Dispatcher


class Brake:
    """Ends the work on a window early: what is in flight is finished first, unless it is pulled twice on purpose.

    Args:
        dispatcher: of the window.
        run_id: the window's run.
    """

    def __init__(self, dispatcher: Dispatcher, run_id: str) -> None:
        self._dispatcher = dispatcher
        self.run_id = run_id
        self._pulled = False

    def stop(self) -> None:
        """Finish what is in flight and claim nothing more; the second call does nothing."""
        if not self._pulled:
            self._pulled = True
            self._dispatcher.request_stop()

    def abort(self) -> None:
        """Give up what is in flight as in doubt."""
        self._dispatcher.abort()


class Brakes:
    """The brakes of all windows that are worked on. Once all were pulled, each that comes later is pulled at once: a
    window that was just being opened must not go on alone."""

    def __init__(self) -> None:
        self._all: set[Brake] = set()
        self._pull: Callable[[Brake], None] | None = None

    def __len__(self) -> int:
        return len(self._all)

    def add(self, brake: Brake) -> None:
        """Work on a window begins."""
        self._all.add(brake)
        if self._pull is not None:
            self._pull(brake)

    def remove(self, brake: Brake) -> None:
        """Work on a window has ended."""
        self._all.discard(brake)

    def stop(self) -> None:
        """Stop all of them, and all that come."""
        self._pull = self._pull or Brake.stop
        for brake in tuple(self._all):
            brake.stop()

    def abort(self) -> None:
        """Give up what is in flight in all of them, and in all that come."""
        self._pull = Brake.abort
        for brake in tuple(self._all):
            brake.abort()

    def stop_runs(self, run_ids: Collection[str]) -> None:
        """Stop those of some runs. A window that waits for a turn asks nobody whether it may go on."""
        for brake in tuple(self._all):
            if brake.run_id in run_ids:
                brake.stop()
