"""MSG304."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import Finding, RowCheck, spec_rule
from msgspec_runner.linting.rules.provider.template_variables_shape import shape_check, shape_findings
from msgspec_runner.linting.subject import Subject


def _for_rows(context: RowContext) -> RowCheck | None:
    return shape_check(context, "unknown-template-component", component=True)


@spec_rule("MSG304", Severity.ERROR, for_rows=_for_rows)
def unknown_template_component(subject: Subject) -> Iterator[Finding]:
    """A component of a Gupshup template does not exist.

    The components are ``Header``, ``Body`` and ``Buttons``, and beside them stands ``MEDIA_URL``; case matters.

    Bad::

        message:
          provider: gswa
          template: {id: 7a3e14cf-4b35-4b8a-9d0c-0f8a1f4ad1c5, variables: {body: {"1": John}}}

    Good::

        message:
          provider: gswa
          template: {id: 7a3e14cf-4b35-4b8a-9d0c-0f8a1f4ad1c5, variables: {Body: {"1": John}}}
    """
    return shape_findings(subject, component=True)
