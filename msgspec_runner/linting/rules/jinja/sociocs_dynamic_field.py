"""MSG408."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject

_FIELDS = ("CUSTOMER_NAME", "BUSINESS_NAME", "PHONE_NUMBER", "SENDER_NAME")
_HELPERS = {
    "#ifeq": "write {% if … == … %} … {% endif %}",
    "#contains": "write {% if … in … %} … {% endif %}",
    "#dateFormat": 'write {{ … | date("d MMMM") }}',
    "#if": "write {% if … %} … {% endif %}",
    "#unless": "write {% if not … %} … {% endif %}",
    "#each": "write {% for … in … %} … {% endfor %}",
    "/ifeq": "write {% endif %}",
    "/contains": "write {% endif %}",
    "/dateFormat": "remove it, for the filter `date` has no end",
    "/if": "write {% endif %}",
    "/unless": "write {% endif %}",
    "/each": "write {% endfor %}",
    "else": "write {% else %}",
}
_SIGNS = ("_NAME", "_NUMBER", "else", "#", "/", "{{1", "{{ 1")
"""One of them is in every field and every helper, and few templates have any; placeholders begin with 1."""
_RAW = "endraw"  # who writes braces on purpose may write any
_LONGEST = 300
"""Characters of a helper's arguments; what is longer was not pasted from a form."""


@spec_rule("MSG408", Severity.WARNING)
def sociocs_dynamic_field(subject: Subject) -> Iterator[Finding]:
    """A template has a placeholder of another tool: a dynamic field or a helper of Sociocs' own forms, or ``{{1}}``.

    The bulk form fills in ``{{CUSTOMER_NAME}}``, ``{{BUSINESS_NAME}}``, ``{{PHONE_NUMBER}}`` and ``{{SENDER_NAME}}``,
    and knows Handlebars helpers such as ``{{#ifeq …}}``. Whether the API does is not documented, and here templates
    are Jinja over the recipient's columns. In ``{% raw %}`` and in quotes, recipients would read the braces.
    ``{{1}}`` stands for a variable in the text of a WhatsApp template; to Jinja it is the number, and "Hi 1!" is sent.

    Bad::

        message:
          text: "Hi {{CUSTOMER_NAME}}!"

    Good::

        message:
          text: "Hi {{ first_name }}!"
    """
    known = (subject.columns or frozenset()) | set(subject.variables)
    for field in subject.spec.templates:
        for word, start, end in _found(field.node.text):
            if word not in known and not (word.isdecimal() and _RAW in field.node.text):
                yield Finding(subject.field_span(field, start, end), _message(word, subject, known), field.dotted)


def _found(source: str) -> Iterator[tuple[str, int, int]]:
    """Yield each field and helper outside of comments, with its place from the first brace to behind the last."""
    if not any(sign in source for sign in _SIGNS):
        return
    pattern = _pattern()
    position = 0
    while (match := pattern.search(source, position)) is not None:
        position = match.end()
        if match.lastgroup is not None:
            yield match[match.lastgroup], *match.span()
        elif (position := source.find("#}", position)) < 0:
            return  # a comment without an end


@cache
def _pattern() -> re.Pattern[str]:
    """Return what finds a field or a helper, or the beginning of a comment.

    Compiled for the first template that may have one: it takes longer than all else that the rule does.
    """
    bare = "|".join([*_FIELDS, "else"])
    helper = "|".join(word for word in _HELPERS if word != "else")
    number = r"(?<![{'\"]\{\{)(?<![{'\"]\{\{ )(?P<number>[1-9][0-9]?)[ \t]*"
    inside = rf"{number}|(?P<bare>{bare})[ \t]*|(?P<helper>{helper})(?![A-Za-z0-9_])[^{{}}]{{0,{_LONGEST}}}"
    return re.compile(rf"\{{\{{\{{?[ \t]*(?:{inside})\}}\}}\}}?|(?<!\{{)\{{#")


def _message(word: str, subject: Subject, known: frozenset[str] | set[str]) -> str:
    if word.isdecimal():
        return (
            f"only WhatsApp's templates fill in {{{{{word}}}}}, and here it writes the number {word}: "
            "write a column such as {{ first_name }}"
        )
    if word in _HELPERS:
        return f"only Sociocs' own forms know `{word}`: {_HELPERS[word]}"
    return f"only Sociocs' own forms fill this in: write {_instead(word, subject, known)}"


def _instead(name: str, subject: Subject, known: frozenset[str] | set[str]) -> str:
    if name == "BUSINESS_NAME":
        return "the name itself, or a var: {{ company }} and `vars: {company: …}`"
    if name == "SENDER_NAME":
        return "the name itself, or a var: {{ sender }} and `vars: {sender: …}`"
    likely = ["first_name", "name", "customer_name", "full_name"]
    if name == "PHONE_NUMBER":
        to = subject.spec.field("to")
        likely = ["phone", to.sole_name if to is not None else ""]
    column = next((each for each in likely if each in known), None)
    return f"the column, {{{{ {column} }}}}" if column else f"a column such as {{{{ {likely[0]} }}}}"
