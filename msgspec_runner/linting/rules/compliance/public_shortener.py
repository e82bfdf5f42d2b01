"""MSG702."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from msgspec_runner.audience import RenderedRow
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.origins import Origins
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import RowCheck, row_rule
from msgspec_runner.providers import TWLO
from msgspec_runner.rendering import RowProblem
from msgspec_runner.spec import MEDIA

SHORTENERS = (
    *("bit.ly", "tinyurl.com", "t.co", "goo.gl", "ow.ly", "is.gd"),
    *("v.gd", "buff.ly", "cutt.ly", "rb.gy", "rebrand.ly", "shorturl.at", "tiny.cc", "t.ly", "j.mp"),
)
"""Hosts that shorten anybody's URL; the first six are those that carriers name."""

_MOST = 10
"""Links of one text that are looked at; who has more sends no SMS."""


@row_rule("MSG702", Severity.WARNING)
def public_shortener(context: RowContext) -> RowCheck | None:
    """An SMS links through a public URL shortener.

    Carriers filter messages with ``bit.ly``, ``tinyurl.com`` and the like: nobody sees where such a link leads, so
    senders of fraud like them. A short link of one's own domain passes. Off unless it is selected.

    Bad::

        message:
          text: "Your bill: https://bit.ly/3xyz. Reply STOP to opt out."

    Good::

        message:
          text: "Your bill: https://example.com/b/3xyz. Reply STOP to opt out."
    """
    fields = [field for name in ("text", *MEDIA) if (field := context.spec.field(name)) is not None]
    if not fields or context.spec.provider not in {None, TWLO}:
        return None
    # Not at the top: it takes a millisecond to compile, and the rule is off for most.
    hosts = "|".join(map(re.escape, SHORTENERS))
    link = re.compile(rf"(?<![\w.@/=%-])(?:https?://)?(?:www\.)?({hosts})(?![\w-]|\.\w)", re.ASCII | re.IGNORECASE)

    def check(row: RenderedRow) -> Iterator[RowProblem]:
        body = row.rendered.body
        if body.get("provider") != TWLO.id:
            return
        for field in fields:
            text = str(body.get(field.name, ""))
            links = list(islice(link.finditer(text), _MOST))
            if not links:
                continue
            origins = Origins(context.renderer, field, row.values, text)
            for found in links:
                origin = origins.of(*found.span(1))
                what = f"`{found[1].lower()}` is" if origin.literal else "this links through"
                detail = f"{what} a public shortener, and carriers filter it: link to a domain of your own"
                yield RowProblem("public-shortener", field, detail, origin.start, origin.end, origin.column)

    return check
