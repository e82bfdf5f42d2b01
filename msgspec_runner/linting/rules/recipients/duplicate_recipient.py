"""MSG504."""

from __future__ import annotations

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import verdict_rule
from msgspec_runner.rendering import RowProblem


@verdict_rule("MSG504", Severity.WARNING)
def duplicate_recipient(problem: RowProblem) -> str:
    """Two rows are one message to the ledger: the same number, and the same ``recipients.key``.

    A number gets a spec's message once. Where both rows say the same, the second is skipped, which is a warning.
    Where they differ, nobody can know which was meant, and nothing is sent: an error, until ``recipients.key`` says
    what makes the two different.

    Bad::

        message:
          text: "See you at {{ time }}."
        recipients:
          rows: [{phone: "+16175551212", time: "9:00", visit: A1}, {phone: "+16175551212", time: "10:00", visit: A2}]

    Good::

        message:
          text: "See you at {{ time }}."
        recipients:
          rows: [{phone: "+16175551212", time: "9:00", visit: A1}, {phone: "+16175551212", time: "10:00", visit: A2}]
          key: "{{ visit }}"
    """
    if problem.severity is Severity.ERROR:
        return (
            "rows go to one number with different messages: give `recipients.key` what makes them different, "
            "such as an appointment's id"
        )
    return "rows send the same message to one number again: only the first of them is sent"
