"""What the rules about catalogs share: which template a spec, or one of its rows, would send, and with what.

Where provider, id and variables are written out, the spec itself is looked at; where a template of Jinja makes one of
them, every rendered row is, and then the spec is not: nothing is said twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from msgspec_runner.audience import RenderedRow
from msgspec_runner.diagnostics import Related
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import RowCheck, RowCheckMaker, Rule, closest
from msgspec_runner.linting.rules.provider.template_variables_shape import rendered_components, written_variables
from msgspec_runner.linting.subject import Subject
from msgspec_runner.providers.catalog import CatalogTemplate, Variable
from msgspec_runner.providers.gswa import MEDIA_URL
from msgspec_runner.rendering import RowProblem
from msgspec_runner.spec import Field, Spec

SHOWN = 8
"""How many variables or ids a message names; who gave that many wrong ones looks into the catalog anyway."""


class Use(NamedTuple):
    """A template as it would be sent.

    Attributes:
        provider: the API's id of it.
        id: the template's.
        given: the variables that are given, without Gupshup's media URL.
    """

    provider: str
    id: str
    given: tuple[Variable, ...] = ()


def written_id(spec: Spec) -> Field | None:
    """Return ``template.id`` where it and the provider are written out, else None: then the rows tell."""
    field = spec.field("template", "id")
    if spec.provider is None or field is None or not field.template.is_static or field.blank:
        return None
    return field


def written_use(subject: Subject) -> Use | None:
    """Return what a spec would send where nothing of it is a template, and rules 303 and 304 like its shape."""
    spec, field = subject.spec, written_id(subject.spec)
    if field is None or spec.provider is None or _variables_are_template(spec) or is_misshapen(spec):
        return None
    return Use(spec.provider.id, field.node.text, given_in(written_variables(spec)))


def is_misshapen(spec: Spec) -> bool:
    """Say whether rules 303 and 304 object to the variables: then names are no use, and nothing is said twice."""
    return spec.provider is not None and bool(spec.provider.variables(written_variables(spec)))


def given_in(variables: Mapping[str, object]) -> tuple[Variable, ...]:
    """Return where the values stand in ``template.variables``."""
    return tuple(_given_in(variables))


def _given_in(variables: Mapping[str, object]) -> Iterator[Variable]:
    for name, value in variables.items():
        if isinstance(value, Mapping):
            yield from ((name, key) for key in value)
        elif name != MEDIA_URL:
            yield (name,)


def _variables_are_template(spec: Spec) -> bool:
    whole = spec.field("template", "variables") or spec.field("template")
    return whole is not None or bool(rendered_components(spec))


def entries(subject: Subject, field: Field | None) -> tuple[CatalogTemplate, ...]:
    """Return the catalogs' entries of a template id that is written out."""
    if field is None or subject.spec.provider is None:
        return ()
    return subject.catalogs.find(subject.spec.provider.id, field.node.text)


def suiting(found: Iterable[CatalogTemplate], given: tuple[Variable, ...]) -> CatalogTemplate | None:
    """Return the entry of an id to which the given variables fit best; the first of equals, None of none."""
    return min(found, key=lambda item: len(item.missing(given)) + len(item.surplus(given)), default=None)


def misspelt(template: CatalogTemplate, given: tuple[Variable, ...]) -> dict[Variable, Variable]:
    """Return what surplus variables were probably meant to be: missing ones of nearly their name, ``1`` for ``01``."""
    missing = list(template.missing(given))
    meant: dict[Variable, Variable] = {}
    for variable in template.surplus(given):
        name = variable[-1]
        names = {other[-1]: other for other in missing if other[:-1] == variable[:-1]}
        match: str | None = name.lstrip("0")
        if not name.isdecimal():
            # No number is like another: what is close to `2` is meant to be something else.
            match = closest(name, [other for other in names if not other.isdecimal()])
        if match not in names:
            match = None
        if match is not None:
            meant[variable] = names[match]
            missing.remove(names[match])
    return meant


def listed(names: Iterable[str]) -> str:
    """Return names as a sentence has them: ```1`, `2```; of many the first, and how many more there are."""
    words = [f"`{name}`" for name in names]
    more = f" and {len(words) - SHOWN:,} more" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more


def place_of(template: CatalogTemplate) -> Related:
    """Return where a template stands in its catalog."""
    status = f", {template.status}" if template.status else ""
    language = f" ({template.language}{status})" if template.language or status else ""
    return Related(template.file, template.line, 1, f"{clipped(template.title)}{language}")


def clipped(text: str, most: int = 60) -> str:
    """Return a text short enough for a message."""
    return text if len(text) <= most else text[: most - 1] + "…"


RowWords = Callable[[Use], Iterable[str]]
"""Says what is wrong with a template that a row would send, for people."""


def row_check(context: RowContext, name: str, field: Field | None, words: RowWords) -> RowCheck | None:
    """Return the check of a row by what it would send; None where no catalog could say anything of it.

    Args:
        context: of the spec.
        name: the rule's.
        field: what to point at.
        words: of the rule; asked once for all rows that send the same.
    """
    spec, catalogs = context.spec, context.catalogs
    if catalogs.is_empty or (spec.provider is not None and not catalogs.knows(spec.provider.id)):
        return None
    column = field.sole_name if field is not None else ""

    @lru_cache(maxsize=256)
    def problems(use: Use) -> tuple[RowProblem, ...]:
        return tuple(RowProblem(name, field, detail, column=column) for detail in words(use))

    def check(row: RenderedRow) -> Iterable[RowProblem]:
        use = sent(row.rendered.body)
        return problems(use) if use is not None and catalogs.knows(use.provider) else ()

    return check


def sent(body: Mapping[str, object]) -> Use | None:
    """Return the template that a rendered body would send."""
    provider, template = body.get("provider"), body.get("template")
    if not isinstance(provider, str) or not isinstance(template, dict):
        return None
    variables = template.get("variables")
    return Use(provider, str(template.get("id", "")), given_in(variables if isinstance(variables, dict) else {}))


def id_is_rendered(spec: Spec) -> bool:
    """Say whether only a row tells which template is sent."""
    return written_id(spec) is None and blamed(spec) is not None


def use_is_rendered(spec: Spec) -> bool:
    """Say whether only a row tells which template is sent with which variables."""
    return id_is_rendered(spec) or _variables_are_template(spec)


def blamed(spec: Spec) -> Field | None:
    """Return the field that decides which template is sent: the id where it is a template itself, or all around it."""
    return spec.field("template", "id") or spec.field("template")


def blamed_variables(spec: Spec) -> Field | None:
    """Return the field that decides which variables are sent."""
    return spec.field("template", "variables") or next(iter(rendered_components(spec).values()), None) or blamed(spec)


def rows_too(maker: RowCheckMaker) -> Callable[[Rule], Rule]:
    """Let a rule about specs look at the rows where a spec does not tell what they would send."""
    return lambda rule: rule._replace(row_check=maker)
