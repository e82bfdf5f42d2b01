"""WhatsApp through Twilio (``twlowa``)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec_runner.providers.provider import Provider, ShapeProblem, Variables

MAX_VARIABLES = 100
"""Twilio's limit for the variables of one Content template."""

_NAME = re.compile(r"[A-Za-z0-9]{1,16}")


def check_variables(variables: Variables) -> tuple[ShapeProblem, ...]:
    """Return what is wrong with a flat map of variable to value.

    Names are up to 16 letters or digits, at most 100 of them, and values are scalars (Twilio's Content API).
    """
    found: list[ShapeProblem] = []
    for name, value in variables.items():
        if isinstance(value, Mapping):
            hint = "Twilio's variables are flat"
            if name in {"Header", "Body", "Buttons"}:
                hint += f"; {name} belongs to provider gswa"
            found.append(ShapeProblem((name,), f'{hint}: write `"1": …` straight under `variables`', at_key=True))
        elif not _NAME.fullmatch(name):
            found.append(
                ShapeProblem((name,), "a variable's name is 1 to 16 letters or digits, such as `1`", at_key=True)
            )
    if len(variables) > MAX_VARIABLES:
        message = f"{len(variables)} variables; Twilio takes at most {MAX_VARIABLES}"
        found.append(ShapeProblem((), message))
    return tuple(found)


TWLOWA = Provider(
    id="twlowa",
    title="Twilio WhatsApp",
    is_whatsapp=True,
    text_limit=1600,
    template_id=re.compile(r"HX[0-9a-fA-F]{32}"),
    template_id_hint="the Content SID, HX and 32 hex digits",
    variables=check_variables,
)
"""WhatsApp through Twilio: templates with flat variables."""
