"""A preview as one page of HTML: readable as it stands, and with its script as phones show it.

The HTML lists the first messages in plain words, for who has no scripts (a CI's artifact viewer, say) and as what is
seen first; ``assets/preview.js`` puts phones, search and pages in its place.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from itertools import chain, islice

from markupsafe import Markup

from msgspec_runner._version import __version__
from msgspec_runner.diagnostics import Severity
from msgspec_runner.pages.shell import asset, embed, page_parts
from msgspec_runner.providers.catalog import CatalogTemplate
from msgspec_runner.reports.preview.values import Origin, Preview, ShownFinding, ShownMessage, ShownSpec
from msgspec_runner.reports.text import count

LISTED = 100
"""Messages that the HTML itself lists; the script shows all."""

_ASSETS = "msgspec_runner.reports.preview.assets"

_PERSONAL = "This page holds data of people who would be texted. Keep it private, and delete it when you are done."
_INVENTED = "Samples only: nobody’s data."

Listed = tuple[ShownSpec, list[ShownMessage]]


def preview_page(preview: Preview) -> Iterator[str]:
    """Yield the page, piece by piece."""
    title = f"Preview of {count(preview.messages, 'message')}"
    return page_parts(
        title,
        chain(_head(preview), _list(preview), _tail(preview)),
        styles=[asset("bubbles.css"), asset("preview.css", _ASSETS)],
        scripts=[asset("bubbles.js"), asset("preview.js", _ASSETS)],
    )


def _head(preview: Preview) -> Iterator[Markup]:
    yield Markup(
        '<a class="skip-link" href="#messages">Skip to the messages</a>\n<main class="page-wide">\n'
        '<header class="stack"><div class="spread"><h1>Preview</h1><p class="row">'
    )
    yield Markup('<span class="badge">{}</span> ').format(count(len(preview.specs), "spec"))
    yield Markup('<span class="badge">{}</span>').format(count(preview.messages, "message"))
    for severity in Severity:
        if preview.counts[severity]:
            words = count(preview.counts[severity], severity.value)
            yield Markup(' <span class="badge {}">{}</span>').format(severity.value, words)
    if preview.unsendable:
        yield Markup(' <span class="badge rejected">{} would not be sent</span>').format(f"{preview.unsendable:,}")
    kind, words = ("personal", _PERSONAL) if preview.personal else ("soft", _INVENTED)
    yield Markup('</p></div><p class="{}">{}</p></header>\n').format(kind, words)
    yield Markup('<div id="tools"></div>\n<div id="messages" tabindex="-1">\n')


def _list(preview: Preview) -> Iterator[Markup]:
    room = LISTED
    for spec in preview.specs:
        listed = list(islice(spec.messages, room))
        room -= len(listed)
        if not listed and spec.messages:
            break
        yield _spec(spec)
        yield from (_message(message, spec) for message in listed)
        yield Markup("</section>\n")
    if preview.messages > LISTED:
        yield Markup('<p class="soft">The first {} of {}; the page’s script shows all.</p>').format(
            LISTED, f"{preview.messages:,}"
        )


def _tail(preview: Preview) -> Iterator[Markup]:
    yield Markup('</div>\n<footer class="note">msgspec-runner {}</footer>\n</main>\n').format(__version__)
    yield embed("preview", _data(preview))


def _spec(spec: ShownSpec) -> Markup:
    return Markup('<section class="spec"><h2>{}</h2><p><code>{}</code>{}</p>{}{}{}').format(
        spec.id or spec.file,
        spec.file,
        f" · edition {spec.edition}" if spec.edition != 1 else "",
        Markup("<p>{}</p>").format(spec.description) if spec.description else "",
        Markup("").join(Markup("<p>{}</p>").format(note) for note in spec.notes),
        _findings(spec.findings),
    )


def _findings(findings: tuple[ShownFinding, ...]) -> Markup:
    if not findings:
        return Markup("")
    items = (
        Markup("<li><b>{}</b> {} {}: {} (line {})<pre>{}<mark>{}</mark>{}</pre>{}</li>").format(
            item.diagnostic.severity.value,
            item.diagnostic.code,
            item.diagnostic.name,
            item.diagnostic.message,
            item.diagnostic.span.start.line,
            item.excerpt.before,
            item.excerpt.marked,
            item.excerpt.after,
            "; ".join(filter(None, (*item.notes, item.shared))),
        )
        for item in findings
    )
    return Markup("<ul>{}</ul>").format(Markup("").join(items))


def _message(message: ShownMessage, spec: ShownSpec) -> Markup:
    body: dict[str, object] = json.loads(message.body)
    found = [spec.findings[index].diagnostic for index in message.findings]
    facts = [("Key", message.key), ("Segments", _segments(message))]
    facts += [("Would not be sent", f"{item.code} {item.name}: {item.words}") for item in message.obstacles]
    barred = {obstacle.code for obstacle in message.obstacles}
    facts += [(item.severity.value, f"{item.code} {item.message}") for item in found if item.code not in barred]
    return Markup(
        '<article class="plain"><h3>{}</h3><div class="plain-body" dir="auto">{}</div><dl>{}</dl>{}</article>\n'
    ).format(
        " · ".join(filter(None, (_whose(message), _text(body.get("name")), _text(body.get("to"))))),
        Markup("<br>").join(_content(body, message.template)) or "(nothing)",
        Markup("").join(Markup("<dt>{}</dt><dd>{}</dd>").format(name, value) for name, value in facts if value),
        Markup("<details><summary>JSON</summary><pre>{}</pre></details>").format(message.body),
    )


def _whose(message: ShownMessage) -> str:
    return "message" if message.origin is Origin.ONLY else f"{message.origin.value} {message.number:,}"


def _segments(message: ShownMessage) -> str:
    return f"{message.segments.count}, {message.segments.encoding}" if message.segments else ""


def _content(body: dict[str, object], template: CatalogTemplate | None) -> Iterator[str]:
    given = body.get("template")
    if isinstance(given, dict):
        yield f"Template {template.title if template else _text(given.get('id'))}"
        for name, value in _variables(given.get("variables")):
            yield f"{name}: {value}"
    for name in ("image_url", "video_url", "file_url", "text"):
        if name in body:
            yield _text(body[name])


def _variables(given: object, part: str = "") -> Iterator[tuple[str, str]]:
    for name, value in given.items() if isinstance(given, dict) else ():
        if isinstance(value, dict):
            yield from _variables(value, f"{name} ")
        else:
            yield f"{part}{name}", _text(value)


def _text(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _data(preview: Preview) -> dict[str, object]:
    """Return what the script needs; ``assets/preview.js`` names every part."""
    templates: dict[CatalogTemplate, int] = {}
    characters: set[str] = set()
    specs = []
    for spec in preview.specs:
        messages = []
        for message in spec.messages:
            characters.update(message.forcing)
            entry = message.template
            messages.append(
                [
                    message.origin.value,
                    message.number,
                    message.body,
                    message.key,
                    message.recipient_key,
                    message.obstacles,
                    message.findings,
                    message.segments,
                    message.forcing,
                    None if entry is None else templates.setdefault(entry, len(templates)),
                ]
            )
        specs.append(
            {
                "file": spec.file,
                "id": spec.id,
                "edition": spec.edition,
                "description": spec.description,
                "notes": spec.notes,
                "unsaid": spec.unsaid,
                "findings": [_finding_data(item) for item in spec.findings],
                "messages": messages,
            }
        )
    return {
        "specs": specs,
        "templates": [_template_data(template) for template in templates],
        "characters": {character: unicodedata.name(character, "") for character in sorted(characters)},
    }


def _finding_data(item: ShownFinding) -> dict[str, object]:
    found = item.diagnostic
    return {
        "code": found.code,
        "name": found.name,
        "severity": found.severity.value,
        "message": found.message,
        "line": found.span.start.line,
        "col": found.span.start.col,
        "excerpt": [item.excerpt.before, item.excerpt.marked, item.excerpt.after],
        "notes": [*item.notes, item.shared] if item.shared else item.notes,
        "shared": [item.shared] if item.shared else [],
        "of_rows": found.rows is not None,
    }


def _template_data(template: CatalogTemplate) -> dict[str, object]:
    return {
        "name": template.title,
        "language": template.language,
        "category": template.category,
        "status": template.status,
        "header": template.header,
        "body": template.body,
        "footer": template.footer,
        "buttons": template.buttons,
        "media": template.media,
        "media_url": template.media_url,
    }
