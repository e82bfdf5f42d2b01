"""MSG303."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.audience import RenderedRow
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import Finding, RowCheck, spec_rule
from msgspec_runner.linting.subject import Subject
from msgspec_runner.providers import PROVIDERS, ShapeProblem
from msgspec_runner.rendering import RowProblem
from msgspec_runner.source.document import Mapping
from msgspec_runner.spec import plain

_PATH = ("message", "template", "variables")


def _for_rows(context: RowContext) -> RowCheck | None:
    return shape_check(context, "template-variables-shape", component=False)


@spec_rule("MSG303", Severity.ERROR, for_rows=_for_rows)
def template_variables_shape(subject: Subject) -> Iterator[Finding]:
    """``template.variables`` has the shape of another provider.

    Twilio takes a flat map (``"1": John``). Gupshup takes a map per component (``Body: {"1": John}``) and
    ``MEDIA_URL``. In the wrong shape the template is sent without its values, or refused.

    Bad::

        message:
          provider: twlowa
          template: {id: HX0123456789abcdef0123456789abcdef, variables: {Body: {"1": John}}}

    Good::

        message:
          provider: twlowa
          template: {id: HX0123456789abcdef0123456789abcdef, variables: {"1": John}}
    """
    return shape_findings(subject, component=False)


def shape_findings(subject: Subject, *, component: bool) -> Iterator[Finding]:
    """Yield the provider's objections to the variables' shape: those about component names, or all others."""
    provider, node = subject.spec.provider, subject.document.node(_PATH)
    if provider is None or not isinstance(node, Mapping):
        return
    variables = plain(node)
    assert isinstance(variables, dict)
    for problem in provider.variables(variables):
        if problem.component == component:
            yield _finding(subject, problem)


def shape_check(context: RowContext, name: str, *, component: bool) -> RowCheck | None:
    """Return the same question for each row, where the provider or the variables are a template; else None.

    Args:
        context: of the spec.
        name: the rule's.
        component: whether it is the rule about component names.
    """
    spec = context.spec
    field = spec.field("template", "variables") or spec.field("template")
    if field is None and spec.provider is None and isinstance(spec.document.node(_PATH), Mapping):
        field = spec.field("provider")
    if field is None:
        return None

    def check(row: RenderedRow) -> Iterator[RowProblem]:
        provider, template = PROVIDERS.get(str(row.rendered.body.get("provider"))), row.rendered.body.get("template")
        variables = template.get("variables") if isinstance(template, dict) else None
        if provider is None or not isinstance(variables, dict):
            return
        column = field.sole_name if field.sole_name in row.values else ""
        messages = [problem.message for problem in provider.variables(variables) if problem.component == component]
        for message in dict.fromkeys(messages):
            yield RowProblem(name, field, message, column=column)

    return check


def _finding(subject: Subject, problem: ShapeProblem) -> Finding:
    path = (*_PATH, *problem.path)
    node = subject.document.node(path)
    span = subject.key_span(*path) if problem.at_key or node is None else subject.document.span(node.start, node.end)
    return Finding(span, problem.message, ".".join(path))
