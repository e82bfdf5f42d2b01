"""The process that looks into specs: takes a question from standard input, puts the answer on standard output.

It ends with the server, in the middle of an answer too: whoever is killed leaves nothing behind.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import BinaryIO, Final

from msgspec_runner.editor.questions import (
    LENGTH,
    Answer,
    Check,
    CheckRows,
    Complete,
    Define,
    Desk,
    Explain,
    Mend,
    MendAll,
    Question,
)
from msgspec_runner.editor.workplace import Memory, Workplace
from msgspec_runner.errors import RunnerError
from msgspec_runner.source.document import MAX_BYTES

NICE: Final = 10
"""How far a helper that nobody waits for steps back: half of what there is."""


def answer(question: Question, memory: Memory) -> object:
    """Answer a question; what each kind of them gives is said where it is defined."""
    from msgspec_runner.editor import checking, completion, definition, hover, reading, repairs

    if not isinstance(question, Check | CheckRows) and not _is_about_a_spec(question.desk, memory):
        return None if isinstance(question, Explain) else ()
    match question:
        case Check(desk):
            return checking.check(desk, memory)
        case CheckRows(desk, others):
            return checking.check_rows(desk, others, memory)
        case Complete(desk, spot, typed):
            return completion.proposals(reading.Reading(desk, spot, memory), typed)
        case Explain(desk, spot, findings):
            return hover.explanation(reading.Reading(desk, spot, memory), findings)
        case Define(desk, spot):
            return definition.targets(reading.Reading(desk, spot, memory))
        case Mend(desk, findings):
            return repairs.repairs(desk, findings, memory)
        case MendAll(desk, findings):
            return repairs.repair_all(desk, findings, memory)


def _is_about_a_spec(desk: Desk, memory: Memory) -> bool:
    """Say whether there is anything to say: an editor asks of every YAML file, of workflows and of catalogs too."""
    try:
        workplace = Workplace(desk, memory)
        _ = workplace.config
        return workplace.is_spec() and len(desk.text) <= MAX_BYTES
    except RunnerError:  # the configuration is broken: linting says so
        return False


def main() -> None:
    """Answer until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends its helpers
    if "--nice" in sys.argv and hasattr(os, "nice"):
        os.nice(NICE)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints something, prints it where people look
    questions: queue.SimpleQueue[Question] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, questions.put), daemon=True).start()
    from msgspec_runner.editor import completion  # noqa: F401 - load all that there is while nobody waits

    memory = Memory()
    while True:
        question = questions.get()
        try:
            said = Answer(answer(question, memory))
        except Exception:  # noqa: BLE001 - a bug is logged, and the next question answered
            said = Answer(None, traceback.format_exc())
        data = pickle.dumps(said, pickle.HIGHEST_PROTOCOL)
        out.write(LENGTH.pack(len(data)) + data)
        out.flush()


def _listen(stream: BinaryIO, put: Callable[[Question], None]) -> None:
    """Hand over every question; when the server is gone, end this process whatever it is doing."""
    try:
        while len(head := stream.read(LENGTH.size)) == LENGTH.size:
            (size,) = LENGTH.unpack(head)
            put(pickle.loads(stream.read(size)))  # noqa: S301 - from the server that started this process
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
