"""MSG207."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject
from msgspec_runner.source.document import Scalar

UNDEFINED = {"image_urls": "image_url", "video_urls": "video_url", "file_urls": "file_url"}
"""Names that people take for parameters, and the parameter that there is."""


@spec_rule("MSG207", Severity.ERROR)
def undefined_api_field(subject: Subject) -> Iterator[Finding]:
    """A field is named in the API's page but not defined there.

    The page's column "Required?" mentions ``image_urls`` once; no such parameter exists. One image a message is
    sent with ``image_url``.

    Bad::

        message:
          image_urls: [https://placehold.co/600x400.png]

    Good::

        message:
          image_url: https://placehold.co/600x400.png
    """
    message = subject.spec.message
    for entry in message.entries if message is not None else ():
        wanted = UNDEFINED.get(entry.key.text)
        if wanted:
            span = subject.document.span(entry.key.start, entry.key.end)
            text = f"the API does not define `{entry.key.text}`; write `{wanted}` with one URL"
            # Of a list, somebody has to choose.
            fits = isinstance(entry.value, Scalar) and message is not None and message.entry(wanted) is None
            fix = subject.replacement(entry.key, wanted) if fits else None
            yield Finding(span, text, f"message.{entry.key.text}", fix)
