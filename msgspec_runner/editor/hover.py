"""What the word under the cursor is: a key, a column, a var, a filter, a template, a finding."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec_runner.diagnostics import Diagnostic
from msgspec_runner.editor import markdown
from msgspec_runner.editor.completion import schema_words, template_words, templates_of
from msgspec_runner.editor.expressions import Token, local_names, word_at
from msgspec_runner.editor.in_template import column_words, filter_words, var_words
from msgspec_runner.editor.questions import Explanation
from msgspec_runner.editor.reading import Reading, is_template
from msgspec_runner.editor.rule_pages import page
from msgspec_runner.editor.sampling import field_words, message_words
from msgspec_runner.linting.rules import RULES
from msgspec_runner.reports import rule_help
from msgspec_runner.source.schema_places import schema_place
from msgspec_runner.templates.described import FILTERS, STATEMENTS, TESTS

_RULES = {rule.code: rule for rule in RULES}
_SEPARATOR = "\n\n---\n\n"


def explanation(reading: Reading, findings: Iterable[Diagnostic]) -> Explanation | None:
    """Return what is at the place of a reading; None where there is nothing to say.

    Args:
        reading: of the spec.
        findings: those that the client shows there: their rules are explained.
    """
    said, found = _said(reading), tuple(findings)
    rules = "\n\n".join(dict.fromkeys(rule_words(item.code) for item in found))
    parts = [part for part in (said[0] if said is not None else "", rules) if part]
    if not parts:
        return None
    if said is not None:
        start, end = said[1:]
    else:
        document = reading.workplace.document
        start, end = (document.offset(position) + document.bom for position in found[0].span)
    return Explanation(_SEPARATOR.join(parts), reading.extent(start, end))


def rule_words(code: str) -> str:
    """Return what a rule is about, and where its page is, as Markdown."""
    rule = _RULES.get(code)
    if rule is None:
        return ""
    link = page(rule)
    title = f"[{rule.code}]({link})" if link else rule.code
    why = rule_help.reason(rule).split("\n\n")[0]
    return "\n\n".join(part for part in (f"**{title}** {rule.name}: {rule_help.summary(rule)}", why) if part)


_Said = tuple[str, int, int]


def _said(reading: Reading) -> _Said | None:
    place, key = reading.place, reading.place.key
    if place.role == "key" and key is not None:
        return _key_words(reading), key.start, key.end
    if place.role != "value" or key is None:
        return None
    if reading.tag is not None:
        found = word_at(reading.text, reading.tag, reading.offset, reading.style)
        return _word(reading, *found) if found is not None else None
    if key.style == "none" or reading.offset > key.stop:
        return None
    if key.path == ("message", "template", "id"):
        entries = templates_of(reading)
        return ("\n\n".join(map(template_words, entries)), place.start, place.end) if entries else None
    if key.path == ("message", "text"):
        return message_words(reading), place.start, place.end
    if key.path == ("recipients", "file"):
        return _file_words(reading), place.start, place.end
    field = next((item for item in (*reading.spec.fields, reading.spec.key) if item and item.path == key.path), None)
    if field is not None and is_template(key):
        return field_words(reading, field), place.start, place.end
    return None


def _key_words(reading: Reading) -> str:
    key = reading.place.key
    assert key is not None
    name = str(key.path[-1])
    parts = []
    if key.path[:2] == ("recipients", "columns") and len(key.path) == 3:
        known = reading.columns.get(name)
        parts.append(f"**{markdown.words(name)}** " + (column_words(known) if known is not None else "a column"))
    elif key.path[:1] == ("vars",) and len(key.path) == 2:
        var = reading.variables.get(name)
        parts.append(f"**{markdown.words(name)}** " + (var_words(var) if var is not None else "a var"))
    elif key.path[:2] in (("recipients", "samples"), ("recipients", "rows")) and len(key.path) == 4:
        known = next((item for item in reading.columns.values() if item.heading == name), None)
        if known is not None:
            parts.append(f"**{markdown.words(known.name)}** {column_words(known)}")
    else:
        place = schema_place("spec", key.path)
        if place is not None and place.description:
            parts.append(f"**{markdown.words(name)}** {schema_words(place)}")
    if key.path in (("message",), ("message", "text")):
        parts.append(message_words(reading))
    return _SEPARATOR.join(part for part in parts if part)


def _word(reading: Reading, kind: str, token: Token) -> _Said | None:
    words = ""
    if kind == "filter" and token.text in FILTERS:
        words = filter_words(token.text)
    elif kind == "test" and token.text in TESTS:
        words = f"**{token.text}** {TESTS[token.text]}"
    elif kind == "name":
        words = _name_words(reading, token)
    elif kind == "string":
        text = reading.workplace.partials(token.text.strip("\"'\\"))
        words = markdown.block(markdown.clipped(text, 1_000)) if text is not None else ""
    return (words, token.start, token.end) if words else None


def _name_words(reading: Reading, token: Token) -> str:
    name, key = token.text, reading.place.key
    assert key is not None
    shown = f"**{markdown.words(name)}** "
    if name in local_names(reading.text, key.value, key.stop):
        return f"{shown}made in this template"
    if name in reading.columns:
        return shown + column_words(reading.columns[name])
    if name in reading.variables:
        return shown + var_words(reading.variables[name])
    assert reading.tag is not None
    before = reading.text[reading.tag.start + 2 : token.start].strip(" -+")
    return f"{shown}{STATEMENTS[name]}" if name in STATEMENTS and not before else ""


def _file_words(reading: Reading) -> str:
    source = reading.audience()
    if source is None:
        return ""
    with source:
        header = [name for name in source.header if name]
    listed = ", ".join(map(markdown.code, header[:30])) + (", …" if len(header) > 30 else "")
    return f"{len(header)} column{'' if len(header) == 1 else 's'}: {listed}"
