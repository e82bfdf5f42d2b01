"""Outcomes that could not be recorded yet, in a file of this machine: ``kill -9`` during an outage loses none.

While a ledger on a server is out of reach, what came of each message is known to the run's process alone. The journal
holds it durably: keys and outcomes, no numbers and no bodies. The run's own next commit empties it; where the run died
first, the next ``send`` on this machine brings it to the ledger (:meth:`Ledger.recover`).

The run's process holds a lock on its journal, so a journal that can be locked belongs to nobody who lives.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

from msgspec_runner.ledger.journal_lines import Noted, read_head, read_noted, written
from msgspec_runner.ledger.locks import lock_file
from msgspec_runner.ledger.values import Settlement

Say = Callable[[str], object]
"""Is told, in a sentence, what people should know."""

_NAME = "outcomes-{}.jsonl"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}", re.ASCII)


def nobody(_: str) -> None:
    """Hear what people should know, where there are none."""


_ONE_OUTAGE = 60.0
"""Seconds: of two sessions one may have the ledger again while the other still has not."""


class Alarm:
    """Tells people that outcomes cannot be noted: once, until the ledger has been back. Safe to call from any thread.

    Args:
        say: is told.
        clock: tells how much time has passed, in seconds.
    """

    def __init__(self, say: Say = nobody, clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._raised = False
        self._told = float("-inf")
        self._mutex = threading.Lock()

    def set_off(self, path: Path, error: OSError) -> None:
        """Tell that a journal could not be written."""
        with self._mutex:
            tells = not self._raised and self._clock() - self._told >= _ONE_OUTAGE
            if tells:
                self._raised, self._told = True, self._clock()
        if tells:
            self._say(
                f"{path} cannot be written: {error.strerror or error}. If this process dies before the ledger is back, "
                "what it has in flight is in doubt, and so is what it has learnt since the ledger went away. Make room "
                "on that disk, or make the folder writable"
            )

    def clear(self) -> None:
        """Hear that the ledger has all of it: the next trouble is news."""
        self._raised = False


class Journal:
    """The journal of one run; its file is there only while something is in it.

    Safe to call from any thread.

    Args:
        folder: of this machine; made with mode 0700, and ignored by git, if it is new.
        ledger_id: the ledger that it is for.
        run_id: the run.
        alarm: is set off where the file cannot be written.
    """

    def __init__(self, folder: Path, ledger_id: str, run_id: str, alarm: Alarm | None = None) -> None:
        self.path = folder / _NAME.format(_file_name(run_id))
        self._head = ledger_id, run_id
        self._alarm = alarm or Alarm()
        self._mutex = threading.Lock()
        self._descriptor: int | None = None
        self._noted: list[Noted] = []
        self._unwritten: list[Noted] = []

    @property
    def is_whole(self) -> bool:
        """Whether all that was noted, and not forgotten, is on the disk."""
        return not self._unwritten

    def note(self, write: int, settlements: Iterable[Settlement]) -> None:
        """Append outcomes, on the disk before this returns; one that is in there is not repeated.

        Where the file cannot be written they are in memory only, as they would be without a journal, and are written
        with what is noted next.

        Args:
            write: see :class:`Noted`.
            settlements: outcomes.
        """
        with self._mutex:
            known = {noted.settlement for noted in self._noted}
            fresh = [Noted(write, settled) for settled in settlements if settled not in known]
            self._noted += fresh
            self._unwritten += fresh
            if self._unwritten:
                self._write()

    def forget(self, settlements: Iterable[Settlement]) -> None:
        """Take out outcomes that the ledger has, which is back; remove the file when it is empty."""
        done = set(settlements)
        with self._mutex:
            self._alarm.clear()
            self._noted = [noted for noted in self._noted if noted.settlement not in done]
            self._unwritten = [noted for noted in self._unwritten if noted.settlement not in done]
            if self._descriptor is None:
                return
            with suppress(OSError):  # what stays is a move that the ledger refuses the next time
                # Emptied durably before it is removed: a file that a power cut brings back must not hold old news.
                os.ftruncate(self._descriptor, 0)
                self._unwritten = [*self._noted]
                os.fsync(self._descriptor)
            if not self._noted:
                self._close(remove=True)
            elif self._unwritten:
                self._write()

    def close(self) -> None:
        """Let go of the file, and leave what is in it to :func:`abandoned`."""
        with self._mutex:
            self._close(remove=False)

    def _close(self, *, remove: bool) -> None:
        if self._descriptor is not None:
            if remove:
                with suppress(OSError):  # it is empty
                    self.path.unlink()
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self) -> None:
        """Append what is not in the file yet: all of it, or nothing and an alarm."""
        try:
            if self._descriptor is None:
                self._descriptor = self._open()
            _append(self._descriptor, self._head, self._unwritten)
            self._unwritten = []
        except BlockingIOError:
            pass  # whoever brings an old one of that name holds it for a moment
        except OSError as error:
            self._alarm.set_off(self.path, error)

    def _open(self) -> int:
        folder = self.path.parent
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        while (descriptor := _locked(self.path, os.O_CREAT | os.O_APPEND)) is None:
            pass  # one that was there before was brought to the ledger, and removed, just now
        _sync_folder(folder)
        return descriptor


def _locked(path: Path, flags: int = 0) -> int | None:
    """Open and lock a file; return its descriptor, or None where it is not there any more, or another is.

    Raises:
        OSError: it cannot be opened, or another holds its lock.
    """
    descriptor = os.open(path, os.O_RDWR | flags, 0o600)
    is_there = False
    try:
        lock_file(descriptor)
        with suppress(FileNotFoundError):
            is_there = os.path.samestat(os.fstat(descriptor), path.stat())
    finally:
        if not is_there:
            os.close(descriptor)
    return descriptor if is_there else None


def _file_name(run_id: str) -> str:
    """Return what a file may be called: the ledger says the run's id, and who can write there may not write here."""
    if _PLAIN.fullmatch(run_id):
        return run_id
    return hashlib.sha256(run_id.encode("utf-8", "surrogatepass")).hexdigest()


def abandoned(folder: Path, ledger_id: str, say: Say = nobody) -> Iterator[tuple[str, list[Noted]]]:
    """Yield the run and the outcomes of each journal whose process has ended; a journal is removed afterwards.

    One that is damaged is kept under another name: what cannot be believed of it is not brought, and people hear that.

    Args:
        folder: of this machine.
        ledger_id: the ledger that can take them; journals for another one are left alone.
        say: is told of what is damaged, or another user's.
    """
    for path in sorted(folder.glob(_NAME.format("*"))):
        try:
            descriptor = _locked(path) if path.is_file() else None
        except (BlockingIOError, FileNotFoundError):  # its process lives and will bring it itself, or just brought it
            continue
        except OSError as error:
            say(
                f"{path} cannot be opened: {error.strerror}. It may tell what came of messages, and the ledger has not "
                "heard of it: send the next time as the user whom it belongs to, or let this one read and write it"
            )
            continue
        if descriptor is None:  # its process brought it just now; or it is no file
            continue
        with os.fdopen(descriptor, "rb") as file:
            try:
                # The last line is whole only if it was ended: the power may have gone while it was written.
                lines = file.read().split(b"\n")[:-1]
            except OSError as error:
                say(f"{path} cannot be read: {error.strerror}. {_meaning('')}")
                continue
            head = read_head(lines[0]) if lines else None
            if head is not None and head[0] != ledger_id:
                continue
            found = [read_noted(line) for line in lines[1:]]
            noted = [] if head is None else [each for each in found if each is not None]
            if head is not None:
                yield head[1], noted
            _put_away(path, len(lines) - len(noted) - (head is not None), "" if head is None else head[1], say)


def _put_away(path: Path, refused: int, owner: str, say: Say) -> None:
    """Remove a journal that was brought, or keep it under another name if lines of it were refused."""
    if not refused:
        with suppress(OSError):  # it is brought again the next time, which changes nothing
            path.unlink()
        return
    names = (path.with_name(f"{path.name}.refused{f'-{number}' if number > 1 else ''}") for number in count(1))
    kept = next(name for name in names if not name.exists())
    try:
        path.rename(kept)
    except OSError:
        kept = path
    lines = "1 line" if refused == 1 else f"{refused:,} lines"
    say(f"{kept}: {lines} of this journal of outcomes cannot be used. {_meaning(owner)}")


def _meaning(owner: str) -> str:
    """Return what it means that outcomes cannot be read, and what to do."""
    run = owner.partition(".")[0]
    return (
        "What stood there is not known: those messages stay in doubt. Ask the API about them: "
        f"`msgspec-runner reconcile{f' {run}' if run else ''}`; then the file can go"
    )


def _append(descriptor: int, head: tuple[str, str], noted: Iterable[Noted]) -> None:
    """Write lines at the end of a file, durably, below ``head`` where they are the first; or leave it as it was.

    Raises:
        OSError: it cannot be written.
    """
    size = os.fstat(descriptor).st_size
    data = written(head if size == 0 else None, noted)
    try:
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    except OSError:
        with suppress(OSError):  # the next line would be the end of half a one
            os.ftruncate(descriptor, size)
        raise


def _sync_folder(folder: Path) -> None:
    """Make a new file's name durable, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
