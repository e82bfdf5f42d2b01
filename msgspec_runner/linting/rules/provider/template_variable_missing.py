"""MSG306."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import Finding, RowCheck, spec_rule
from msgspec_runner.linting.rules.provider.catalogued import (
    SHOWN,
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
from msgspec_runner.spec import VARIABLES


def _rows(context: RowContext) -> RowCheck | None:
    if not use_is_rendered(context.spec) or is_misshapen(context.spec):
        return None

    def words(use: Use) -> Iterator[str]:
        template = suiting(context.catalogs.find(use.provider, use.id), use.given)
        if template is not None:
            for component, names in _missing(template, use.given).items():
                yield f"{_needs(template, component, names)}: give what is missing in `variables`"

    return row_check(context, "template-variable-missing", blamed_variables(context.spec), words)


@rows_too(_rows)
@spec_rule("MSG306", Severity.ERROR)
def template_variable_missing(subject: Subject) -> Iterator[Finding]:
    """A variable that the template needs is not given.

    The provider refuses the message (Twilio 63028), or a recipient reads the sample that the template was approved
    with. What a template needs is in the catalog.

    In the catalog of these examples, the template needs ``1`` and ``2``.

    Bad::

        message:
          provider: twlowa
          template: {id: HX0123456789abcdef0123456789abcdef, variables: {"1": Ann}}

    Good::

        message:
          provider: twlowa
          template: {id: HX0123456789abcdef0123456789abcdef, variables: {"1": Ann, "2": A-17}}
    """
    use = written_use(subject)
    template = suiting(entries(subject, written_id(subject.spec)), use.given if use else ())
    if use is None or template is None:
        return
    for component, names in _missing(template, use.given).items():
        path = (*VARIABLES, *component)
        node = subject.document.node(path)
        inner = ", ".join(f'"{clipped(name)}": …' for name in names[:SHOWN])
        cure = f"add `{inner}` under `{path[-1]}`" if node is not None else f"write `{path[-1]}: {{{inner}}}`"
        message = f"{_needs(template, component, names)}: {cure}"
        yield Finding(subject.key_span(*path), message, ".".join(path), related=(place_of(template),))


def _missing(template: CatalogTemplate, given: tuple[Variable, ...]) -> dict[Variable, list[str]]:
    """Return the missing names by component; without those of which MSG307 says that another was meant to be it."""
    meant = set(misspelt(template, given).values())
    by_component: dict[Variable, list[str]] = {}
    for variable in template.missing(given):
        if variable not in meant:
            by_component.setdefault(variable[:-1], []).append(variable[-1])
    return by_component


def _needs(template: CatalogTemplate, component: Variable, names: list[str]) -> str:
    of = f" of {component[0]}" if component else ""
    return f"`{clipped(template.title)}` needs the {'variable' if len(names) == 1 else 'variables'} {listed(names)}{of}"
