"""MSG112."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject


@spec_rule("MSG112", Severity.ERROR)
def ambiguous_name(subject: Subject) -> Iterator[Finding]:
    """A column and a var have the same name.

    Which of the two a template means would depend on rules that nobody remembers in a review.

    Bad::

        recipients:
          samples: [{phone: "+16175551212", clinic: Deer Park}]
        vars: {clinic: Elm Street}

    Good::

        message:
          text: "See you at {{ clinic or default_clinic }}."
        recipients:
          samples: [{phone: "+16175551212", clinic: Deer Park}]
        vars: {default_clinic: Elm Street}
    """
    for name in sorted((subject.columns or frozenset()) & set(subject.variables)):
        own = ("vars", name)
        span = subject.key_span(*own) if name in subject.spec.vars else subject.key_span("recipients")
        message = f"`{name}` is a column and a var: rename one of them"
        if name not in subject.spec.vars and name in subject.config.vars:
            message = f"`{name}` is a column and a var of the configuration: rename one of them"
        elif name not in subject.spec.vars:
            message = f"`{name}` is a column, and a var that --var sets: give the var another name"
        yield Finding(span, message, ".".join(own))
