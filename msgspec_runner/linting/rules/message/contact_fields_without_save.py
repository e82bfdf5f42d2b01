"""MSG208."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject
from msgspec_runner.source.document import Mapping, Scalar


@spec_rule("MSG208", Severity.WARNING)
def contact_fields_without_save(subject: Subject) -> Iterator[Finding]:
    """``list_id`` or ``extra_fields`` are given, but the contact is not saved.

    ``contact_saving.save`` defaults to ``false``, and then nothing else under ``contact_saving`` has an effect.

    Bad::

        message:
          contact_saving: {list_id: 12}

    Good::

        message:
          contact_saving: {save: true, list_id: 12}
    """
    node = subject.document.node(("message", "contact_saving"))
    if not isinstance(node, Mapping):
        return
    save = node.get("save")
    if save is not None and not (isinstance(save, Scalar) and save.value is False):
        return
    for entry in node.entries:
        if entry.key.text in {"list_id", "extra_fields"}:
            cause = "`save` is false" if save is not None else "`save` is not given and defaults to false"
            yield Finding(
                subject.document.span(entry.key.start, entry.key.end),
                f"`{entry.key.text}` has no effect: {cause}; add `save: true`",
                f"message.contact_saving.{entry.key.text}",
            )
