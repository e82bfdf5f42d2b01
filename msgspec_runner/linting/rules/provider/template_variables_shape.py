"""MSG303."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject
from msgspec_runner.providers import ShapeProblem
from msgspec_runner.source.document import Mapping
from msgspec_runner.spec import plain

_PATH = ("message", "template", "variables")


@spec_rule("MSG303", Severity.ERROR)
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


def _finding(subject: Subject, problem: ShapeProblem) -> Finding:
    path = (*_PATH, *problem.path)
    node = subject.document.node(path)
    span = subject.key_span(*path) if problem.at_key or node is None else subject.document.span(node.start, node.end)
    return Finding(span, problem.message, ".".join(path))
