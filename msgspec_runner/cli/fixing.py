"""What ``lint --fix`` and ``--diff`` do with repaired specs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from msgspec_runner.cli.options import Terminal
from msgspec_runner.errors import UsageError
from msgspec_runner.linting.fixes import Fixed
from msgspec_runner.reports.text import count
from msgspec_runner.source.document import Document


def show(fixed: Fixed, terminal: Terminal, *, show_data: bool, unsafe: bool) -> None:
    """Print what ``--fix`` would change, and write nothing; recipients that stand in a spec only if asked for.

    Args:
        fixed: the specs before and after, and what is still found in them.
        terminal: for the note.
        show_data: whether recipients may be seen.
        unsafe: whether unsafe repairs are among them; else the note counts those that are left.
    """
    from msgspec_runner.reports.diff import diff

    for before, after in fixed.changed.values():
        patch = diff(before, after, terminal=sys.stdout.isatty(), color=terminal.colors(), show_data=show_data)
        click.echo(patch, nl=False, color=terminal.colors())
    left = len(fixed.result.diagnostics)
    more = 0 if unsafe else _unsafe(fixed)
    hint = f"; --unsafe-fixes shows those of {more:,}" if more else ""
    if fixed.changed:
        would = f"{count(fixed.repaired, 'finding')} would be fixed in {count(len(fixed.changed), 'spec')}"
        terminal.note(f"{would}, {left:,} would be left{hint}" if left else would)
    elif left:
        safe = "safe fix" if more else "fix"
        none = f"has no {safe}" if left == 1 else f"none has a {safe}"
        terminal.note(f"nothing to show: {count(left, 'finding')}{' ' if left == 1 else ', '}{none}{hint}")


def write(fixed: Fixed, given: bytes | None, terminal: Terminal, *, unsafe: bool) -> None:
    """Write the repaired specs, each as a whole or not at all.

    Args:
        fixed: the specs before and after.
        given: what came from standard input: it goes to standard output, repaired, and no file is touched.
        terminal: for the note.
        unsafe: whether unsafe repairs were made too; else the note counts them.

    Raises:
        UsageError: a file cannot be written, or is not what was linted any more.
    """
    if given is not None:
        repaired = next((encoded(after) for _, after in fixed.changed.values()), given)
        sys.stdout.flush()
        sys.stdout.buffer.write(repaired)
        sys.stdout.buffer.flush()
    else:
        for file, (before, after) in fixed.changed.items():
            _replace(Path(file), encoded(before), encoded(after))
    left = _unsafe(fixed)
    more = f"; --unsafe-fixes repairs {left:,} more, look at them with --diff" if left and not unsafe else ""
    if fixed.repaired or more:
        where = f" in {count(len(fixed.changed), 'spec')}" if fixed.repaired else ""
        terminal.note(f"{fixed.repaired:,} fixed{where}{more}")


def _unsafe(fixed: Fixed) -> int:
    """Return how many of the findings that are left have a repair that may change what is sent."""
    return sum(item.fix is not None and item.fix.safety != "safe" for item in fixed.result.diagnostics)


def encoded(document: Document) -> bytes:
    """Return a spec's bytes: UTF-8, with its byte order mark where it had one."""
    return ("\ufeff" * document.bom + document.text).encode()


def _replace(file: Path, before: bytes, after: bytes) -> None:
    """Put a file in another's place in one step, with its mode; of a link, in the place of what it leads to."""
    import tempfile  # 3 ms that only a repair is worth

    target = Path(os.path.realpath(file))
    try:
        if target.read_bytes() != before:
            raise UsageError(f"{file}: it changed while it was linted; run --fix again")
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".msgspec-runner-", delete=False) as spool:
            try:
                spool.write(after)
                spool.close()
                Path(spool.name).chmod(target.stat().st_mode & 0o7777)
                Path(spool.name).replace(target)
            except BaseException:
                Path(spool.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise UsageError(f"--fix: {file} cannot be written: {error.strerror}") from error
