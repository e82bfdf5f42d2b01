"""MSG202."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject
from msgspec_runner.spec import MEDIA


@spec_rule("MSG202", Severity.WARNING)
def several_media(subject: Subject) -> Iterator[Finding]:
    """A message has more than one of image, video and file.

    The API's page shows one medium a message and says of each that it stands in for the others; which of two is
    delivered is not documented. WhatsApp takes one a message.

    Bad::

        message:
          image_url: https://placehold.co/600x400.png
          file_url: https://example.com/plan.pdf

    Good::

        message:
          image_url: https://placehold.co/600x400.png
    """
    given = [field for name in MEDIA if (field := subject.spec.field(name)) is not None and not field.blank]
    # In the order of the file, so that the second one is pointed at.
    given.sort(key=lambda field: field.node.start)
    for field in given[1:]:
        name = field.path[-1]
        message = f"`{name}` beside `{given[0].path[-1]}`: send one medium a message, the other in a spec of its own"
        yield Finding(subject.key_span("message", name), message, field.dotted)
