"""``lint --baseline`` and ``--write-baseline``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from msgspec_runner.cli.options import Terminal
from msgspec_runner.config import Config
from msgspec_runner.errors import UsageError
from msgspec_runner.linting.baseline import Entry, hide, read_baseline, write_baseline
from msgspec_runner.linting.fingerprints import in_project
from msgspec_runner.linting.linter import LintResult
from msgspec_runner.linting.selection import selected
from msgspec_runner.reports.text import count


def without_known(result: LintResult, file: Path, config: Config, terminal: Terminal) -> LintResult:
    """Return the result without the findings of a baseline file, and say how many they are.

    Raises:
        UsageError: the file cannot be read, or is no baseline.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"--baseline: no file {file}; write it with `--write-baseline {file}`") from None
    except UnicodeDecodeError:
        raise UsageError(f"--baseline {file}: it is no UTF-8 text; write it with `--write-baseline {file}`") from None
    except OSError as error:
        raise UsageError(f"--baseline {file}: cannot be read: {error.strerror}") from error
    specs = {in_project(name, config.root) for name in result.documents}
    codes = {rule.code for rule in selected(config)}

    def was_looked_at(entry: Entry) -> bool:
        return entry.code in codes and (entry.file in specs or not (config.root / entry.file).exists())

    remaining = hide(result.diagnostics, read_baseline(text, file), was_looked_at)
    entries = "entry" if remaining.stale == 1 else "entries"
    stale = f"; {remaining.stale:,} stale {entries} in it: --write-baseline {file}" if remaining.stale else ""
    terminal.note(f"{count(remaining.hidden, 'finding')} hidden by {file}{stale}")
    return replace(result, diagnostics=remaining.diagnostics)


def write(result: LintResult, file: Path, config: Config, terminal: Terminal) -> None:
    """Write all findings into a baseline file.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        file.write_text(write_baseline(result.diagnostics, config.root), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--write-baseline {file}: cannot be written: {error.strerror}") from error
    terminal.note(f"{count(len(result.diagnostics), 'finding')} written into {file}; hide them with --baseline {file}")
