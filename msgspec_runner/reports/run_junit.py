"""``send --junit``, ``report --output junit``: a run as a test report.

A spec is a suite, a message is a case that passed if it was accepted. A CI shows its reports to many, so numbers are
masked, as on the screen; each case bears the message's key, under which ``status`` has the rest. What the run left out,
or did not come to, is a case that was skipped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from msgspec_runner.content.phone import mask
from msgspec_runner.ledger.ledger import Record
from msgspec_runner.model import State
from msgspec_runner.reports.files import PUBLIC, whole_file
from msgspec_runner.reports.junit import legal
from msgspec_runner.reports.run_summary import shown

KEY_DIGITS = 16
"""Of the key; as many as ``status`` shows."""

_ENDS = {State.ACCEPTED: "passed", State.REJECTED: "failures", State.IN_DOUBT: "errors", State.SENDING: "errors"}
"""In which of JUnit's numbers a state is counted; every other is ``skipped``."""


def write_run_junit(path: Path, specs: Iterable[str], records: Callable[[str], Iterable[Record]]) -> None:
    """Write the messages of a run; see :func:`run_junit`.

    Args:
        path: the file; replaced where it exists.
        specs: as there.
        records: as there.

    Raises:
        OSError: it cannot be written.
    """
    with whole_file(path, PUBLIC) as file:
        file.writelines(run_junit(specs, records))


def run_junit(specs: Iterable[str], records: Callable[[str], Iterable[Record]]) -> Iterator[str]:
    """Yield the messages of a run line by line: memory does not grow with them.

    Args:
        specs: ids, in the order of the run.
        records: gives the run's messages of a spec; asked twice, because numbers come first.
    """
    counts = {spec: Counter(_end(record) for record in records(spec)) for spec in specs}
    yield '<?xml version="1.0" encoding="utf-8"?>\n'
    yield f'<testsuites name="msgspec-runner send"{_numbers(sum(counts.values(), Counter()))}>\n'
    for spec, count in counts.items():
        yield f"  <testsuite name={_quoted(spec)}{_numbers(count)}>\n"
        for record in records(spec):
            yield from (f"    {line}\n" for line in _case(record))
        yield "  </testsuite>\n"
    yield "</testsuites>\n"


def _end(record: Record) -> str:
    return _ENDS.get(record.state, "skipped")


def _numbers(count: Counter[str]) -> str:
    failures, errors, skipped = count["failures"], count["errors"], count["skipped"]
    return f' tests="{count.total()}" failures="{failures}" errors="{errors}" skipped="{skipped}"'


def _case(record: Record) -> Iterator[str]:
    name = " ".join(filter(None, (f"row {record.row}", mask(record.to) if record.to else "", record.key[:KEY_DIGITS])))
    head = f'<testcase classname={_quoted(f"{record.spec} (edition {record.edition})")} name={_quoted(name)} time="0"'
    end = _end(record)
    if end == "passed":
        yield f"{head} />"
        return
    words = shown(record.error or "")
    state = record.state.value
    yield f"{head}>"
    if end == "skipped":
        yield f"  <skipped message={_quoted(f'{state}: {words}' if words else state)} />"
    else:
        tag = "failure" if end == "failures" else "error"
        status = f"HTTP {record.http_status}\n" if record.http_status is not None else ""
        text = escape(legal(status + words))
        yield f"  <{tag} type={_quoted(state)} message={_quoted(words or state)}>{text}</{tag}>"
    yield "</testcase>"


def _quoted(text: str) -> str:
    return quoteattr(legal(text))
