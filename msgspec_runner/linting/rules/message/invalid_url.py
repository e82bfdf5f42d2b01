"""MSG204."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec_runner.content.patterns import later
from msgspec_runner.conversions import url_problem
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject
from msgspec_runner.spec import MEDIA, Field

_SCHEME = later(r"[A-Za-z][A-Za-z0-9+.-]*:|/|www\.", re.ASCII)


@spec_rule("MSG204", Severity.ERROR)
def invalid_url(subject: Subject) -> Iterator[Finding]:
    """A media URL is not one that a provider can fetch.

    The provider fetches the file itself, so the URL must be public and start with ``https://`` or ``http://``
    (Twilio error 21620).

    Bad::

        message:
          image_url: ./images/logo.png

    Good::

        message:
          image_url: https://example.com/images/logo.png
    """
    for field in subject.spec.fields:
        if (field.path[1] in MEDIA or field.path[-1] == "MEDIA_URL") and not field.blank:
            problem = _problem(field)
            if problem is not None:
                yield Finding(subject.field_span(field), f"`{field.path[-1]}`: {problem}", field.dotted)


def _problem(field: Field) -> str | None:
    text = field.node.text
    if field.template.is_static:
        return url_problem(text)
    # Of a template, what stands before the first tag is certain.
    start = text.split("{", 1)[0]
    if _SCHEME.match(start) and not re.match(r"https?:", start, re.IGNORECASE):
        return "a URL starts with https:// or http://"
    return None
