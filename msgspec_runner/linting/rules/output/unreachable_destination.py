"""MSG608."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.audience import RenderedRow
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import RowCheck, row_rule
from msgspec_runner.providers import PROVIDERS, TWLO
from msgspec_runner.providers.destinations import gets_mms, unserved_by_whatsapp
from msgspec_runner.rendering import RowProblem

_MMS = ("image_url", "video_url")
_NAME = "unreachable-destination"


@row_rule("MSG608", Severity.WARNING)
def unreachable_destination(context: RowContext) -> RowCheck | None:
    """A message does not reach the recipient's country, or not as it is.

    WhatsApp serves no numbers of Iran, Cuba, Syria, North Korea and Crimea. Pictures and videos by ``twlo`` are MMS,
    which Twilio delivers in the US, Canada and Australia only; elsewhere it sends an SMS with a link to the picture.
    That still reaches people, so it is said as an info.

    Bad::

        message:
          provider: twlowa
          channel_key: your_channel_key
          to: "{{ phone }}"
          template: {id: HX0123456789abcdef0123456789abcdef}
        recipients:
          rows: [{phone: "+989123456789"}]

    Good::

        message:
          provider: twlo
          channel_key: your_channel_key
          to: "{{ phone }}"
          text: Your order is on its way.
        recipients:
          rows: [{phone: "+989123456789"}]
    """
    to = context.spec.field("to")
    media = [field for name in _MMS if (field := context.spec.field(name)) is not None]
    if to is None or (context.spec.provider is TWLO and not media):
        return None

    def check(row: RenderedRow) -> Iterator[RowProblem]:
        number, body = row.rendered.to, row.rendered.body
        provider = PROVIDERS.get(str(body.get("provider")))
        column = to.only_name if to.only_name in row.values else ""
        if provider is None:
            return
        if provider.is_whatsapp:
            place = unserved_by_whatsapp(number)
            if place is not None:
                detail = f"WhatsApp does not serve {place}: leave these recipients out, or send them an SMS (twlo)"
                yield RowProblem(_NAME, to, detail, column=column)
        elif not gets_mms(number):
            for field in media:
                if field.name in body:
                    detail = (
                        f"`{field.name}` goes as MMS, which reaches the US, Canada and Australia only: "
                        "the others get an SMS with a link; write a `text` that says enough without it"
                    )
                    yield RowProblem(_NAME, field, detail, column=column, severity=Severity.INFO)

    return check
