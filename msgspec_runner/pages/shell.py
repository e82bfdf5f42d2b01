"""The shell of a page: one file of HTML that loads nothing and sends nothing, whatever stands in it.

How to make a page::

    from markupsafe import Markup

    from msgspec_runner.pages.shell import asset, embed, page

    html = page(
        "Inbox",
        Markup("<main><h1>{}</h1>{}</main>").format("What <arrived>", embed("messages", [{"to": "+1…"}])),
        styles=[asset("bubbles.css")],                      # after base.css, which every page has
        scripts=[asset("bubbles.js"), asset("inbox.js", "msgspec_runner.sandbox.assets")],
        connect=True,                                       # may ask the server that it came from, and nobody else
    )

- HTML is made with :class:`markupsafe.Markup`: ``Markup("<b>{}</b>").format(text)`` escapes what is put into it, and
  :func:`page` escapes a body that is a plain string. So what is forgotten is shown, never run.
- Data travel as JSON (:func:`embed`); a script reads them with ``Page.data("messages")`` (``assets/page.js``, which
  every page with a script has) and draws with ``textContent``. ``innerHTML`` and its relatives are forbidden by the
  page's own policy (Trusted Types).
- The policy allows the scripts and styles given here, by their sha256, and nothing else: no ``style="…"`` and no
  ``onclick="…"`` in the HTML. Scripts may set ``element.style``; SVG has presentation attributes (``fill="…"``).
- The look is in ``assets/base.css``, whose head lists what there is; ``assets/bubbles.js`` draws a message.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files

from markupsafe import Markup, escape

ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath fill='%230b6e5b' d='M3 1h10a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H8l-4 4v-4H3a2 2 0 0 1-2-2V3a2 2 0 0 1 2-2z'/%3E"
    "%3C/svg%3E"
)
"""The icon in a browser's tab; in the page, because a browser asks a server for one where there is none."""

_MARKS_OF_HTML = {
    "<": "\\u003c",  # no </script> and no <!--
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",  # line ends in older JavaScript
    "\u2029": "\\u2029",
}
_RISKY = re.compile("[<>&\u2028\u2029\ud800-\udfff]")
_NO_CHARACTER = re.compile("[\ud800-\udfff]")
_ENDS_ELEMENT = re.compile(r"</(?:script|style)|<!--", re.IGNORECASE)


def page(
    title: str,
    body: str,
    *,
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
    connect: bool = False,
    language: str = "en",
) -> str:
    """Return a whole page as one text; see :func:`page_parts` for what it takes."""
    return "".join(page_parts(title, [body], styles=styles, scripts=scripts, connect=connect, language=language))


def page_parts(
    title: str,
    body: Iterable[str],
    *,
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
    connect: bool = False,
    language: str = "en",
) -> Iterator[str]:
    """Yield a page piece by piece, for bodies that are too long to keep.

    Args:
        title: plain text.
        body: what goes between ``<body>`` and the scripts; what is no :class:`markupsafe.Markup` is escaped.
        styles: CSS, after ``base.css``.
        scripts: JavaScript, after ``page.js``; run in this order when the body is there. Without any, there is none.
        connect: whether its scripts may ask the server that the page came from; no other, ever.
        language: of the page's own words, as BCP 47 writes it.

    Raises:
        ValueError: a script or style holds what would end its element; a mistake in our own assets.
    """
    sheets = [_own_text(text) for text in (asset("base.css"), *styles)]
    programs = [_own_text(text) for text in ((asset("page.js"), *scripts) if scripts else ())]
    yield "<!doctype html>\n"
    yield Markup('<html lang="{}">\n<head>\n<meta charset="utf-8">\n').format(language)
    yield Markup('<meta http-equiv="Content-Security-Policy" content="{}">\n').format(
        _policy(sheets, programs, connect=connect)
    )
    yield (
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="robots" content="noindex, nofollow">\n'
        '<meta http-equiv="x-dns-prefetch-control" content="off">\n'
    )
    yield Markup('<title>{}</title>\n<link rel="icon" href="{}">\n').format(_characters(title), ICON)
    for sheet in sheets:
        yield f"<style>{sheet}</style>\n"
    yield "</head>\n<body>\n"
    for part in body:
        yield _characters(str(escape(part)))
    for program in programs:
        yield f"\n<script>{program}</script>"
    yield "\n</body>\n</html>\n"


def embed(name: str, value: object) -> Markup:
    """Return data for a page's scripts, which read them with ``Page.data(name)``.

    The JSON holds none of ``<``, ``>`` and ``&``, so nothing in the data ends the element or opens a comment.

    Args:
        name: the element's id; a-z, 0-9 and ``-``.
        value: anything that JSON can say.
    """
    return Markup('<script type="application/json" id="{}">{}</script>').format(name, Markup(json_text(value)))  # noqa: S704 - holds no < and no &


def json_text(value: object) -> str:
    """Return JSON that may stand in a ``<script>``: safe there, and equal to the value when it is parsed.

    Lone surrogates, which UTF-8 cannot write, are written as JSON's escapes.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _RISKY.sub(_escaped, text)


@cache
def asset(name: str, package: str = "msgspec_runner.pages.assets") -> str:
    """Return one of our CSS or JavaScript files.

    Args:
        name: the file's.
        package: the folder it lies in, written with dots.
    """
    root, _, folders = package.partition(".")
    return files(root).joinpath(*folders.split("."), name).read_text(encoding="utf-8")


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    return _MARKS_OF_HTML.get(character) or f"\\u{ord(character):04x}"


def _characters(text: str) -> str:
    """Return a text that UTF-8 can write: a lone surrogate is no character."""
    return _NO_CHARACTER.sub("\ufffd", text)


def _own_text(text: str) -> str:
    """Return a script or style as a browser reads it, of which it takes the hash."""
    found = _ENDS_ELEMENT.search(text)
    if found is not None:
        raise ValueError(f"a script or style must not hold `{found[0]}`: the browser would end the element there")
    return "\n" + text.replace("\r\n", "\n").replace("\r", "\n").strip("\n") + "\n"


def _policy(styles: Iterable[str], scripts: Iterable[str], *, connect: bool) -> str:
    """Return the page's Content-Security-Policy: what is not named here may not be loaded, run or asked."""
    rules = {
        "default-src": "'none'",
        "style-src": " ".join(map(_hash, styles)),
        "script-src": " ".join(map(_hash, scripts)) or "'none'",
        "connect-src": "'self'" if connect else "'none'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
