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
from msgspec_runner.spec import VARIABLES, Field, Spec, plain


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
    provider = subject.spec.provider
    if provider is None:
        return
    for problem in provider.variables(written_variables(subject.spec)):
        if problem.component == component:
            yield _finding(subject, problem)


def written_variables(spec: Spec) -> dict[str, object]:
    """Return ``template.variables`` as written, without the components that a template gives: the rows tell."""
    node = spec.document.node(VARIABLES)
    variables = plain(node) if isinstance(node, Mapping) else {}
    assert isinstance(variables, dict)
    rendered = rendered_components(spec)
    return {name: value for name, value in variables.items() if name not in rendered}


def rendered_components(spec: Spec) -> dict[str, Field]:
    """Return the fields that are a template for a whole component (``Body: "{{ body }}"``), by the component's name."""
    fields = (field for field in spec.fields if field.kind == "object" and field.path[:-1] == VARIABLES)
    return {field.path[-1]: field for field in fields if not field.template.is_static}


def shape_check(context: RowContext, name: str, *, component: bool) -> RowCheck | None:
    """Return the same question for each row, where the provider, the variables or a component is a template; else None.

    Args:
        context: of the spec.
        name: the rule's.
        component: whether it is the rule about component names.
    """
    spec = context.spec
    field = spec.field("template", "variables") or spec.field("template")
    if field is None and spec.provider is None and isinstance(spec.document.node(VARIABLES), Mapping):
        field = spec.field("provider")
    components = rendered_components(spec)
    if field is None and not components:
        return None

    def check(row: RenderedRow) -> Iterator[RowProblem]:
        provider, template = PROVIDERS.get(str(row.rendered.body.get("provider"))), row.rendered.body.get("template")
        variables = template.get("variables") if isinstance(template, dict) else None
        if provider is None or not isinstance(variables, dict):
            return
        problems = [problem for problem in provider.variables(variables) if problem.component == component]
        # Of what is written out, the spec was asked.
        places = [(components.get(problem.path[0]) if components else field, problem.message) for problem in problems]
        for place, message in dict.fromkeys(places):
            if place is not None:
                column = place.sole_name if place.sole_name in row.values else ""
                yield RowProblem(name, place, message, column=column)

    return check


def _finding(subject: Subject, problem: ShapeProblem) -> Finding:
    path = (*VARIABLES, *problem.path)
    node = subject.document.node(path)
    span = subject.key_span(*path) if problem.at_key or node is None else subject.document.span(node.start, node.end)
    return Finding(span, problem.message, ".".join(path))
