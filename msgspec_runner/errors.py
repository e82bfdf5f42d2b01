"""Why the runner could not go on: one small tree, and the exit code of each branch.

A problem *in a spec* is data (a :class:`~msgspec_runner.diagnostics.Diagnostic`), never an exception.
An exception is for when there is nothing sensible left to do, and its message tells the next step::

    RunnerError                 exit 2
    ├── UsageError              exit 2   a flag, an argument or a combination of them
    ├── ConfigError             exit 2   pyproject.toml or msgspec-runner.toml
    ├── SourceError             exit 2   a spec or partial that cannot be read as text
    ├── RecipientsError         exit 2   a recipients file that cannot be read; has a line and a column
    ├── LedgerError             exit 2   no ledger, another ledger, a newer ledger, a locked ledger
    ├── UnsendableError         exit 1   a row, or a spec, whose message must not be sent
    ├── NoSpecError             exit 4   no spec was found where one was looked for
    └── RunStoppedError         exit 5   the API refused the key, or too many messages failed

Everything that is not a :class:`RunnerError` is a bug in the runner: exit 70.
Exit codes are those of the contract, section 2.
"""

from __future__ import annotations

from typing import ClassVar

BUG = 70
"""Exit code for a bug in the runner (EX_SOFTWARE of sysexits.h)."""

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT."""


class RunnerError(Exception):
    """The root: anything the runner says instead of showing a traceback."""

    exit_code: ClassVar[int] = 2


class UsageError(RunnerError):
    """The command line asks for something that makes no sense."""


class ConfigError(RunnerError):
    """The project's configuration is unreadable or holds a wrong value."""


class SourceError(RunnerError):
    """A file that should be text cannot be read as UTF-8 text."""


class RecipientsError(RunnerError):
    """A recipients file cannot be read on.

    Args:
        message: what is wrong and what to do about it, without the location.
        file: the file as the user named it.
        line: 1-based line (or spreadsheet row) where reading stopped.
        column: 1-based column in that line; 1 where only the line is known.
    """

    def __init__(self, message: str, *, file: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{file}:{line}:{column}: {message}")
        self.message = message
        self.file = file
        self.line = line
        self.column = column


class LedgerError(RunnerError):
    """The ledger is missing, is not this project's, is newer than this program, or is locked."""


class UnsendableError(RunnerError):
    """Something that was about to be sent must not be: a finding, seen where the linter was told to be silent."""

    exit_code: ClassVar[int] = 1


class NoSpecError(RunnerError):
    """No spec was found."""

    exit_code: ClassVar[int] = 4


class RunStoppedError(RunnerError):
    """A run was stopped early on purpose; what was not sent stays planned."""

    exit_code: ClassVar[int] = 5
