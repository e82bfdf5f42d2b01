"""MSG201."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.content.blank import is_blank
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject
from msgspec_runner.source.document import Scalar
from msgspec_runner.spec import CONTENT


@spec_rule("MSG201", Severity.ERROR)
def no_content(subject: Subject) -> Iterator[Finding]:
    """A message has neither text, image, video, file nor template.

    The API takes a message only with at least one of ``text``, ``image_url``, ``video_url``, ``file_url`` and
    ``template``. A field that is written but empty, or only white space, is nothing. Whether templates render to
    nothing is MSG601's question, asked for every recipient.

    Bad::

        message:
          provider: twlo
          channel_key: your_channel_key
          to: "{{ phone }}"
          text: ""

    Good::

        message:
          provider: twlo
          channel_key: your_channel_key
          to: "{{ phone }}"
          text: See you tomorrow!
    """
    message = subject.spec.message
    if message is None:
        return
    written = [(name, message.get(name)) for name in CONTENT]
    empty = []
    for name, node in written:
        if node is None:
            continue
        if not isinstance(node, Scalar) or (node.value is not None and not is_blank(node.text)):
            return
        empty.append(name)
    choices = "text, image_url, video_url, file_url or template"
    if not empty:
        yield Finding(subject.key_span("message"), f"the message has no content: add {choices}", "message")
        return
    node = message.get(empty[0])
    assert isinstance(node, Scalar)
    span = subject.document.span(node.start, node.end)
    if span.start == span.end:
        span = subject.key_span("message", empty[0])
    yield Finding(
        span, f"`{empty[0]}` is empty, so the message has no content: fill it, or add {choices}", f"message.{empty[0]}"
    )
