"""The inbox as a page: the same for everybody, but for the plain list that browsers without JavaScript show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup

from msgspec_runner.pages.shell import asset
from msgspec_runner.pages.shell import page as whole_page

_ASSETS: Final = "msgspec_runner.sandbox.assets"
_LONGEST: Final = 2000
"""Characters of a text in the plain list."""

_PLAIN = Markup(
    "<noscript>\n"
    '<div class="page stack">\n<h1>Sandbox inbox</h1>\n'
    "<p>{}. Newest first; load the page again to see what came since. With JavaScript it is live.</p>\n"
    '<ul class="stack plain-list">\n{}</ul>\n</div>\n</noscript>\n'
)
_PLAIN_ENTRY = Markup(
    '<li class="card"><h2>{}</h2>\n'
    '<p><span class="badge">{}</span> <time datetime="{}">{}</time></p>\n{}<pre>{}</pre></li>\n'
)


def page(entries: Sequence[Mapping[str, Any]], stats: Mapping[str, Any]) -> str:
    """Return the page.

    Args:
        entries: what arrived, newest first, as :func:`~msgspec_runner.sandbox.shown.show` shows it.
        stats: counts, as ``/_sandbox/stats`` shows them.
    """
    plain = _PLAIN.format(
        f"{stats['received']} received, {stats['kept']} kept, {stats['refused']} refused",
        Markup("").join(_plain_entry(entry) for entry in entries),
    )
    return whole_page(
        "Sandbox inbox",
        Markup("<main>\n{}{}</main>").format(plain, Markup(asset("inbox.html", _ASSETS))),  # noqa: S704 - our own file
        styles=[asset("bubbles.css"), asset("inbox.css", _ASSETS)],
        scripts=[
            asset("bubbles.js"),
            *(asset(f"{name}.js", _ASSETS) for name in ("arrivals", "asking", "faults", "inbox")),
        ],
        connect=True,
    )


def _plain_entry(entry: Mapping[str, Any]) -> Markup:
    """One request in the plain list: to whom, what became of it, why, and what it says."""
    message = entry["message"] or {}
    text = message.get("text") or entry["request"]["body"]
    reasons = Markup("").join(Markup("<p>{}</p>\n").format(reason) for reason in entry["reasons"])
    return _PLAIN_ENTRY.format(
        str(message.get("to", "no number"))[:_LONGEST],
        entry["state"],
        entry["at"],
        f"{entry['at'][:10]} {entry['at'][11:19]} UTC",
        reasons,
        str(text)[:_LONGEST],
    )
