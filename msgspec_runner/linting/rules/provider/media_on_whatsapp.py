"""MSG311."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import Finding, RowCheck, spec_rule
from msgspec_runner.linting.rules.provider.on_whatsapp import by_row, whatsapp
from msgspec_runner.linting.subject import Subject
from msgspec_runner.providers import Provider
from msgspec_runner.providers.gswa import GSWA
from msgspec_runner.rendering import RowProblem
from msgspec_runner.spec import MEDIA


def _for_rows(context: RowContext) -> RowCheck | None:
    fields = [field for name in MEDIA if (field := context.spec.field(name)) is not None]
    if not fields or context.spec.provider is not None:
        return None

    def find(provider: Provider, body: Mapping[str, object]) -> Iterator[RowProblem]:
        for field in fields:
            if field.name in body:
                yield RowProblem("media-on-whatsapp", field, _message(field.name, provider))

    return by_row(context, find)


@spec_rule("MSG311", Severity.WARNING, for_rows=_for_rows)
def media_on_whatsapp(subject: Subject) -> Iterator[Finding]:
    """An image, video or file is given beside a WhatsApp provider, where only a template carries media.

    The API's newer pages say that ``image_url``, ``video_url`` and ``file_url`` work with ``twlo`` only; another page
    says that ``file_url`` is for WhatsApp. A template with media takes its URL among its variables, on which all
    pages agree.

    Bad::

        message:
          provider: gswa
          channel_key: your_channel_key
          to: "{{ phone }}"
          image_url: https://placehold.co/600x400.png

    Good::

        message:
          provider: gswa
          channel_key: your_channel_key
          to: "{{ phone }}"
          template:
            id: 7a3e14cf-4b35-4b8a-9d0c-0f8a1f4ad1c5
            variables: {MEDIA_URL: https://placehold.co/600x400.png}
    """
    provider = whatsapp(subject.spec)
    if provider is None:
        return
    for name in MEDIA:
        field = subject.spec.field(name)
        if field is not None and not field.blank:
            yield Finding(subject.field_span(field), _message(name, provider), field.dotted)


def _message(name: str, provider: Provider) -> str:
    problem = f"`{name}` works with provider twlo only"
    if name == "file_url":
        problem = "the API's pages contradict each other about `file_url` on WhatsApp"
    place = "as `MEDIA_URL` under its `variables`" if provider is GSWA else "as one of its `variables`"
    return f"{problem}: use a `template` with media and write the URL {place}"
