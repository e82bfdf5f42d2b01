"""MSG609."""

from __future__ import annotations

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import verdict_rule
from msgspec_runner.rendering import RowProblem


@verdict_rule("MSG609", Severity.ERROR)
def invalid_rendered_field(problem: RowProblem) -> str:
    """A field renders to something that the API does not take there, or cannot be rendered at all.

    ``provider``, ``channel_key``, ``to``, ``schedule``, ``template.id``, ``list_id`` and ``save`` are never empty,
    and what they render to must be of their type. An empty ``schedule`` never means "now". Where a whole object is one
    template (``contact_saving``, ``template``, its ``variables``, a component of them such as ``Body``), it renders to
    a JSON object.

    Bad::

        message:
          schedule: "{{ day }}"
        recipients:
          rows: [{phone: "+16175551212", day: tomorrow}]

    Good::

        message:
          schedule: "{{ day }}"
        recipients:
          rows: [{phone: "+16175551212", day: "2031-01-02T09:00:00-05:00"}]
    """
    name = problem.field.name if problem.field is not None else "the message"
    return f"`{name}`: {problem.detail}"
