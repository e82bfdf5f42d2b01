"""MSG305."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import Finding, RowCheck, closest, spec_rule
from msgspec_runner.linting.rules.provider.catalogued import (
    SHOWN,
    Use,
    blamed,
    clipped,
    id_is_rendered,
    place_of,
    row_check,
    rows_too,
    written_id,
)
from msgspec_runner.linting.subject import Subject
from msgspec_runner.providers import PROVIDERS
from msgspec_runner.providers.catalog import Catalogs, CatalogTemplate

_MOST_DIFFERENT = 2
"""Characters in which an id may differ from a known one and still be taken for a slip in it."""

_LONGEST_SLIP = 100
"""Characters of what is compared with names: nobody calls a template more."""


def _rows(context: RowContext) -> RowCheck | None:
    spec = context.spec
    if not id_is_rendered(spec):
        return None
    field = blamed(spec)
    name = "`template.id`" if field is not None and field.path[-1] == "id" else "`template`"

    def words(use: Use) -> Iterator[str]:
        named = context.catalogs.named(use.provider, use.id)
        if context.catalogs.find(use.provider, use.id):
            return
        if named:
            yield f"{name} renders to a name: write the id of `{clipped(named[0].name)}`, {_ids(named)}"
        else:
            cure = "correct it, or bring the catalog up to date with `msgspec-runner catalog import`"
            yield f"{name} renders to an id that no catalog of {use.provider} has: {cure}"

    return row_check(context, "template-not-in-catalog", field, words)


@rows_too(_rows)
@spec_rule("MSG305", Severity.ERROR)
def template_not_in_catalog(subject: Subject) -> Iterator[Finding]:
    """No committed catalog of the provider has a template with this id.

    The provider refuses the message, for every recipient. Usually a name stands where the id belongs, an id was cut
    when it was copied, or it is of another account. If the template is new, bring the catalog up to date:
    ``msgspec-runner catalog import FILE``. Without a catalog of the provider nothing is said.

    In the catalog of these examples, ``HX0123456789abcdef0123456789abcdef`` is ``order_shipped``.

    Bad::

        message:
          provider: twlowa
          template: {id: order_shipped, variables: {"1": Ann, "2": A-17}}

    Good::

        message:
          provider: twlowa
          template: {id: HX0123456789abcdef0123456789abcdef, variables: {"1": Ann, "2": A-17}}
    """
    field, provider, catalogs = written_id(subject.spec), subject.spec.provider, subject.catalogs
    if field is None or provider is None or not catalogs.knows(provider.id):
        return
    written = field.node.text
    if catalogs.find(provider.id, written):
        return
    message, meant = _explain(catalogs, provider.id, written)
    # Which of several languages was meant is nothing to guess.
    fix = subject.replacement(field.node, meant[0].id) if len(meant) == 1 else None
    related = tuple(map(place_of, meant[:SHOWN]))
    yield Finding(subject.field_span(field), message, field.dotted, fix, related)


def _explain(catalogs: Catalogs, provider: str, written: str) -> tuple[str, tuple[CatalogTemplate, ...]]:
    """Return the words, and the templates that may have been meant."""
    named = catalogs.named(provider, written)
    if named:
        plural = "its id is" if len(named) == 1 else "its ids are"
        cure = "write that" if len(named) == 1 else "write one of them"
        return f"`{clipped(written)}` is a name; {plural} {_ids(named)}: {cure}", named
    for other in PROVIDERS.values():
        if catalogs.find(other.id, written):
            message = (
                f"this is a template of {other.title}: write `provider: {other.id}`, or the id of one of {provider}"
            )
            return message, ()
    known = catalogs.of(provider)
    slip = _slip(written, known)
    if slip is not None:
        return f"no catalog has this template; did you mean {slip.id} (`{clipped(slip.title)}`)?", (slip,)
    name = closest(written, {item.name for item in known if item.name}) if len(written) <= _LONGEST_SLIP else None
    if name is not None:
        meant = catalogs.named(provider, name)
        return f"no catalog has this template; did you mean {_ids(meant)} (`{clipped(name)}`)?", meant
    files = {item.file for item in known}
    source = files.pop() if len(files) == 1 else "a catalog"
    cure = f"copy the id from {source}, or bring that up to date with `msgspec-runner catalog import`"
    return f"no catalog of {provider} has this template: {cure}", ()


def _ids(templates: tuple[CatalogTemplate, ...]) -> str:
    if len(templates) == 1:
        return templates[0].id
    return ", ".join(f"{item.id} ({item.language or 'no language'})" for item in templates[:SHOWN])


def _slip(written: str, known: tuple[CatalogTemplate, ...]) -> CatalogTemplate | None:
    """Return the template whose id was mistyped or cut off; None where there is none, or several.

    Ids are random digits, most of which are alike to a measure made for words, so their characters are compared.
    """
    folded = written.strip().lower()
    near = [item for item in known if _is_slip(folded, item.id.lower())]
    return near[0] if len({item.id for item in near}) == 1 else None


def _is_slip(written: str, known: str) -> bool:
    if len(written) != len(known):
        return len(written) >= len(known) // 2 and known.startswith(written)
    return sum(one != other for one, other in zip(written, known, strict=True)) <= _MOST_DIFFERENT
