"""MSG601."""

from __future__ import annotations

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import verdict_rule
from msgspec_runner.rendering import RowProblem


@verdict_rule("MSG601", Severity.ERROR)
def renders_empty(problem: RowProblem) -> str:
    """For some recipient the message has neither text, image, video, file nor template.

    The content rule of MSG201, asked again for every row after rendering: ``text: "{{ note }}"`` is fine until
    somebody has no note.

    Bad::

        message:
          text: "{% if vip == 'yes' %}Your table is ready.{% endif %}"
        recipients:
          rows: [{phone: "+16175551212", vip: "no"}]

    Good::

        message:
          text: "{% if vip == 'yes' %}Your table is ready.{% else %}Please wait.{% endif %}"
        recipients:
          rows: [{phone: "+16175551212", vip: "no"}, {phone: "+16175551213", vip: "yes"}]
    """
    return problem.detail
