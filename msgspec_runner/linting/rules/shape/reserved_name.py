"""MSG111."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject
from msgspec_runner.source.document import Mapping
from msgspec_runner.templates import RESERVED_NAMES


@spec_rule("MSG111", Severity.ERROR)
def reserved_name(subject: Subject) -> Iterator[Finding]:
    """A column or a var has a name that no template can use.

    Python's keywords and Jinja's own names are taken, and a name has only letters, digits and ``_``. A column
    with another header gets a name with ``header``.

    Bad::

        recipients:
          columns: {phone: {type: phone}, class: {}}
          samples: [{phone: "+16175551212", class: 3b}]

    Good::

        message:
          text: "You are in class {{ class_name }}."
        recipients:
          columns: {phone: {type: phone}, class_name: {header: class}}
          samples: [{phone: "+16175551212", class: 3b}]
    """
    for path in (("recipients", "columns"), ("vars",)):
        node = subject.document.node(path)
        for entry in node.entries if isinstance(node, Mapping) else ():
            name = entry.key.text
            if name in RESERVED_NAMES:
                problem = "is a word of Python's or Jinja's own"
            elif not name.isidentifier():
                problem = "has other characters than letters, digits and `_`"
            else:
                continue
            hint = "give it another name" + (f' and `header: "{name}"`' if path[0] == "recipients" else "")
            span = subject.document.span(entry.key.start, entry.key.end)
            yield Finding(span, f"`{name}` {problem}: {hint}", ".".join((*path, name)))
