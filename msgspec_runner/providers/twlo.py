"""Twilio SMS and MMS (``twlo``)."""

from __future__ import annotations

from msgspec_runner.providers.provider import Provider, ShapeProblem, Variables


def _no_variables(_: Variables) -> tuple[ShapeProblem, ...]:
    return ()


TWLO = Provider(
    id="twlo",
    title="Twilio SMS",
    is_whatsapp=False,
    # Twilio error 21617: a body of more than 1,600 characters is refused.
    text_limit=1600,
    template_id=None,
    template_id_hint="",
    variables=_no_variables,
)
"""Twilio SMS: text and media, no templates."""
