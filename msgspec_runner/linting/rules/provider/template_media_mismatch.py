"""MSG308."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec_runner.audience import RenderedRow
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import Finding, RowCheck, spec_rule
from msgspec_runner.linting.rules.provider.catalogued import (
    blamed_variables,
    clipped,
    entries,
    place_of,
    rows_too,
    sent,
    use_is_rendered,
    written_id,
    written_use,
)
from msgspec_runner.linting.subject import Subject
from msgspec_runner.providers.catalog import CatalogTemplate
from msgspec_runner.providers.gswa import MEDIA_URL
from msgspec_runner.rendering import RowProblem
from msgspec_runner.spec import VARIABLES, Field, Spec

# What WhatsApp takes of each kind (facts, sections 4 and 5), by the end of a URL's path.
_ENDINGS = {
    "image": (".jpg", ".jpeg", ".png", ".webp", ".gif"),
    "video": (".mp4", ".3gp"),
    "document": (".pdf", ".doc", ".docx", ".ppt", ".pptx", ".xls", ".xlsx", ".txt", ".csv"),
}
_ARTICLES = {"image": "an image", "video": "a video", "document": "a document"}


_Problem = tuple[str, str]
"""The variable, and what is wrong with it."""

Values = Mapping[str, str | None]
"""The variables that stand straight under ``variables``; None where only a row knows the value."""


def _rows(context: RowContext) -> RowCheck | None:
    spec, catalogs = context.spec, context.catalogs
    field, provider = written_id(spec), spec.provider
    if field is not None and provider is not None:
        if not any(item.media or item.media_url for item in catalogs.find(provider.id, field.node.text)):
            return None
    elif catalogs.is_empty:
        return None
    everything = use_is_rendered(spec)
    dynamic = {item.path[-1]: item for item in _fields(spec) if not item.template.is_static}
    if not everything and not dynamic:
        return None

    def check(row: RenderedRow) -> Iterator[RowProblem]:
        body = row.rendered.body
        use, template = sent(body), body.get("template")
        variables = template.get("variables") if isinstance(template, dict) else None
        values = {name: text for name, text in (variables or {}).items() if isinstance(text, str)}
        found = catalogs.find(use.provider, use.id) if use is not None else ()
        for name, words in _problems(found, values):
            if everything or name in dynamic:
                at = dynamic.get(name) or blamed_variables(spec)
                column = at.sole_name if at is not None else ""
                yield RowProblem("template-media-mismatch", at, words, column=column)

    return check


@rows_too(_rows)
@spec_rule("MSG308", Severity.WARNING)
def template_media_mismatch(subject: Subject) -> Iterator[Finding]:
    """The template's header is an image, a video or a document, and what is given is something else.

    A Gupshup template with media needs ``MEDIA_URL``, one without media takes none, and the URL should end as files
    of its kind do. In a Twilio template the URL of the media is a part of the template: a variable in it is usually
    the end of the URL, and a whole URL there gives an address that does not exist.

    In the catalog of these examples, the template has a header with an image.

    Bad::

        message:
          provider: gswa
          template: {id: 7a3e14cf-4b35-4b8a-9d0c-0f8a1f4ad1c5, variables: {Body: {"1": Ann}}}

    Good::

        message:
          provider: gswa
          template:
            id: 7a3e14cf-4b35-4b8a-9d0c-0f8a1f4ad1c5
            variables: {MEDIA_URL: "https://example.com/parcel.png", Body: {"1": Ann}}
    """
    use, found = written_use(subject), entries(subject, written_id(subject.spec))
    if use is None or not found:
        return
    values = {field.path[-1]: field.node.text if field.template.is_static else None for field in _fields(subject.spec)}
    for name, words in _problems(found, values):
        path = (*VARIABLES, name)
        at = subject.spec.field(*path[1:])
        span = subject.field_span(at) if at is not None else subject.key_span(*path)
        yield Finding(span, words, ".".join(path), related=(place_of(found[0]),))


def _fields(spec: Spec) -> Iterable[Field]:
    """Return the variables that stand straight under ``variables``."""
    return (field for field in spec.fields if field.path[:-1] == VARIABLES)


def _problems(found: Iterable[CatalogTemplate], values: Values) -> tuple[_Problem, ...]:
    """Return what is wrong by the first entry of an id; nothing where any entry is content."""
    first: tuple[_Problem, ...] = ()
    for template in found:
        problems = tuple(_gupshup(template, values) if template.provider == "gswa" else _twilio(template, values))
        if not problems:
            return ()
        first = first or problems
    return first


def _gupshup(template: CatalogTemplate, values: Values) -> Iterator[_Problem]:
    title, kind = f"`{clipped(template.title)}`", template.media
    if kind and MEDIA_URL not in values:
        yield (MEDIA_URL, f"{title} begins with {_ARTICLES[kind]}: add `MEDIA_URL: https://…` under `variables`")
    elif not kind and template.variables is not None and MEDIA_URL in values:
        yield (MEDIA_URL, f"{title} has no media: remove MEDIA_URL, or use a template with an image")
    elif kind:
        other = _kind(values[MEDIA_URL] or "")
        if other and other != kind:
            words = f"{title} begins with {_ARTICLES[kind]}, and this URL ends as {_ARTICLES[other]} does: give another"
            yield (MEDIA_URL, words)


def _twilio(template: CatalogTemplate, values: Values) -> Iterator[_Problem]:
    url = template.media_url.replace(" ", "")
    for name, value in values.items():
        mark = f"{{{{{name}}}}}"
        if value is None or mark not in url:
            continue
        is_url = value.startswith(("https://", "http://"))
        if url == mark and not is_url:
            yield (name, f"`{clipped(name)}` is the URL of the template's media: write all of it, https://…")
        elif url != mark and is_url:
            yield (name, f"`{clipped(name)}` is a part of {clipped(url)}: write only what stands in its place")


def _kind(url: str) -> str:
    """Return what a URL leads to by its end; empty where that tells nothing."""
    path = url.partition("?")[0].partition("#")[0].lower()
    return next((kind for kind, endings in _ENDINGS.items() if path.endswith(endings)), "")
