"""MSG604."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec_runner.audience import RenderedRow
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.costs import COSTS
from msgspec_runner.linting.origins import Origin, Origins
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import RowCheck, row_rule
from msgspec_runner.providers import TWLO
from msgspec_runner.rendering import RowProblem
from msgspec_runner.spec import Field

_NAME = "unicode-doubles-segments"
_SHORT = 35
"""Characters that take one segment whatever they are: 70 code units, two of them for an emoji."""


@row_rule("MSG604", Severity.WARNING)
def unicode_doubles_segments(context: RowContext) -> RowCheck | None:
    """A character that has a plain twin makes an SMS cost more segments.

    One curly quote, dash, ellipsis or no-break space outside GSM-7 turns the whole text into UCS-2, with room for 70
    characters instead of 160. They come from word processors, from copied names, and from filters: in many locales
    ``currency`` writes a no-break space. The rule speaks only where the plain twins would save a segment; letters
    and emoji are the author's business. The repair changes what recipients read, if only a little.

    Bad::

        message:
          text: "We’re sorry: your parcel is late, and we cannot say yet on which day of this week it will come."

    Good::

        message:
          text: "We're sorry: your parcel is late, and we cannot say yet on which day of this week it will come."
    """
    field = context.spec.field("text")
    if field is None or context.spec.provider not in {None, TWLO}:
        return None

    in_template: dict[tuple[tuple[int, int], ...], RowProblem] = {}

    def check(row: RenderedRow) -> Iterable[RowProblem]:
        body = row.rendered.body
        text = body.get("text")
        if not isinstance(text, str) or len(text) <= _SHORT or body.get("provider") != TWLO.id or _is_plain(text):
            return ()
        from msgspec_runner.content.lookalikes import LOOKALIKE, in_plain
        from msgspec_runner.content.segments import first_ucs2, segments

        if first_ucs2(text) is None or (replaced := in_plain(text)) == text:
            return ()  # letters, which are the author's business
        now, could = segments(text).count, segments(replaced).count
        if could >= now or first_ucs2(replaced) is not None:
            return ()
        origins = Origins(context.renderer, field, row.values, text)
        found = [(match.span(), origins.of(*match.span())) for match in LOOKALIKE.finditer(text)]
        own = [(span, origin) for span, origin in found if origin.literal]
        alone = segments(_partly_plain(text, [span for span, _ in own])).count
        if alone < now:
            places = tuple(sorted({(origin.start, origin.end) for _, origin in own}))
            if places not in in_template:
                in_template[places] = _in_template(context, field, places)
            return (in_template[places]._replace(cost=(now, alone)),)
        (start, end), origin = next(item for item in found if not item[1].literal)
        return (_in_data(field, text[start:end], origin)._replace(cost=(now, could)),)

    return check


def _is_plain(text: str) -> bool:
    """Say of most texts, and before anything is loaded for it, that they are GSM-7."""
    return text.isascii() and "`" not in text and "\t" not in text


def _partly_plain(text: str, spans: Iterable[tuple[int, int]]) -> str:
    from msgspec_runner.content.lookalikes import plain

    parts = []
    position = 0
    for start, end in spans:
        parts += [text[position:start], plain(text[start:end])]
        position = end
    return "".join([*parts, text[position:]])


def _in_template(context: RowContext, field: Field, places: tuple[tuple[int, int], ...]) -> RowProblem:
    """Word the finding for characters that the template itself writes, with the repair of all of them."""
    from msgspec_runner.content.lookalikes import plain, shown
    from msgspec_runner.linting.rewriting import rewritten

    document, source = context.spec.document, field.node.text
    replacements = [(start, end, plain(source[start:end])) for start, end in places]
    start, end, _ = replacements[0]
    at = document.locate(field.node, start, end).start
    what = f"{shown(source[start:end])} at {at.line}:{at.col}"
    what += f" and {len(places) - 1} more force" if len(places) > 1 else " forces"
    cures = dict.fromkeys(text for _, _, text in replacements)
    words = " and ".join("nothing" if not cure else "a space" if cure == " " else f"`{cure}`" for cure in cures)
    detail = f"{what} UCS-2: {COSTS}; write {words} instead"
    return RowProblem(_NAME, field, detail, start, end, fix=rewritten(document, field, replacements))


def _in_data(field: Field, found: str, origin: Origin) -> RowProblem:
    """Word the finding for a character that a cell or a filter puts there."""
    from msgspec_runner.content.lookalikes import plain, shown

    visible = len(found) == 1 and found.isprintable() and not found.isspace()
    written = found if visible else "".join(f"\\u{ord(each):04x}" for each in found)
    where = f"in column `{origin.column}`" if origin.column else "that this writes"
    detail = f'{shown(found)} {where} forces UCS-2: {COSTS}; add `| replace("{written}", "{plain(found)}")`'
    return RowProblem(_NAME, field, detail, origin.start, origin.end, origin.column)
