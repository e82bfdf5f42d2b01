"""MSG307."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import Finding, RowCheck, spec_rule
from msgspec_runner.linting.rules.provider.catalogued import (
    Use,
    blamed_variables,
    clipped,
    entries,
    is_misshapen,
    listed,
    misspelt,
    place_of,
    row_check,
    rows_too,
    suiting,
    use_is_rendered,
    written_id,
    written_use,
)
from msgspec_runner.linting.subject import Subject
from msgspec_runner.providers.catalog import CatalogTemplate, Variable
from msgspec_runner.spec import VARIABLES, entry_at


def _rows(context: RowContext) -> RowCheck | None:
    if not use_is_rendered(context.spec) or is_misshapen(context.spec):
        return None

    def words(use: Use) -> Iterator[str]:
        template = suiting(context.catalogs.find(use.provider, use.id), use.given)
        extra = template.surplus(use.given) if template is not None else ()
        if template is not None and extra:
            # The names may come from a cell, so how many there are is all that is said of them.
            number, cure = ("a variable", "it") if len(extra) == 1 else (f"{len(extra):,} variables", "them")
            title = clipped(template.title)
            yield f"`variables` gives {number} that `{title}` does not have: leave {cure} out; {_has(template)}"

    return row_check(context, "template-variable-extra", blamed_variables(context.spec), words)


@rows_too(_rows)
@spec_rule("MSG307", Severity.ERROR)
def template_variable_extra(subject: Subject) -> Iterator[Finding]:
    """A variable is given that the template does not have.

    The provider refuses the message (Twilio 63028), or the value is shown to nobody: then the template is probably
    another than was meant. What a template has is in the catalog.

    In the catalog of these examples, the template needs ``1`` and ``2``.

    Bad::

        message:
          provider: twlowa
          template: {id: HX0123456789abcdef0123456789abcdef, variables: {"1": Ann, "2": A-17, "3": Monday}}

    Good::

        message:
          provider: twlowa
          template: {id: HX0123456789abcdef0123456789abcdef, variables: {"1": Ann, "2": A-17}}
    """
    use = written_use(subject)
    template = suiting(entries(subject, written_id(subject.spec)), use.given if use else ())
    if use is None or template is None:
        return
    meant = misspelt(template, use.given)
    for variable in template.surplus(use.given):
        path = (*VARIABLES, *variable)
        entry, match = entry_at(subject.document, path), meant.get(variable)
        of = f" of {variable[0]}" if len(variable) > 1 else ""
        message = f"`{clipped(template.title)}` has no variable `{clipped(variable[-1])}`{of}"
        cure = f"; did you mean `{match[-1]}`?" if match else f": remove it; {_has(template, variable[:-1])}"
        fix = subject.replacement(entry.key, match[-1]) if match and entry is not None else None
        yield Finding(subject.key_span(*path), message + cure, ".".join(path), fix, (place_of(template),))


def _has(template: CatalogTemplate, component: Variable | None = None) -> str:
    """Say which variables a template has: all of them, or those of a component."""
    variables = [*(template.variables or ()), *template.optional]
    if component is not None:
        variables = [variable for variable in variables if variable[:-1] == component]
    if not variables:
        return "it has none" + (" there" if component else "")
    return f"it has {listed(variable[-1] if component is not None else '.'.join(variable) for variable in variables)}"
