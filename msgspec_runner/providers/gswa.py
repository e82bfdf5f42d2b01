"""WhatsApp through Gupshup (``gswa``)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec_runner.providers.provider import Provider, ShapeProblem, Variables

COMPONENTS = ("Header", "Body", "Buttons")
"""The components that take variables; case matters (the API's page on sending)."""

MEDIA_URL = "MEDIA_URL"
"""The one key beside the components: the URL of the header's image, video or document."""


def check_variables(variables: Variables) -> tuple[ShapeProblem, ...]:
    """Return what is wrong with a map of ``MEDIA_URL`` and components, each a map of ``"1"``, ``"2"``, … to a value."""
    found: list[ShapeProblem] = []
    for name, value in variables.items():
        if name == MEDIA_URL:
            if isinstance(value, Mapping):
                found.append(ShapeProblem((name,), "MEDIA_URL is one URL, not a map"))
        elif name not in COMPONENTS:
            found.append(ShapeProblem((name,), _unknown(name), at_key=True, component=True))
        elif not isinstance(value, Mapping):
            message = f'{name} is a map of variables: write `{name}: {{"1": …}}`'
            found.append(ShapeProblem((name,), message))
        else:
            found += [
                ShapeProblem((name, key), f"variables of {name} are numbered: `1`, `2`, …", at_key=True)
                for key in value
                if not re.fullmatch(r"[1-9][0-9]{0,2}", key)
            ]
    return tuple(found)


def _unknown(name: str) -> str:
    known = (MEDIA_URL, *COMPONENTS)
    if re.fullmatch(r"[0-9]+", name):
        return f"Gupshup's variables belong to a component: write `Body: {{{name}: …}}` (Header, Body, Buttons)"
    from difflib import get_close_matches  # only a mistake waits for it

    folded = {item.lower(): item for item in known} | {"button": "Buttons", "mediaurl": MEDIA_URL, "media": MEDIA_URL}
    close = folded.get(name.lower()) or next(
        (folded[match] for match in get_close_matches(name.lower(), folded, n=1)), None
    )
    if close:
        return f"unknown component; did you mean `{close}`? (case matters)"
    return f"unknown component; write one of {', '.join(known)}"


GSWA = Provider(
    id="gswa",
    title="Gupshup WhatsApp",
    is_whatsapp=True,
    # Gupshup documents 1,024 characters of content.
    text_limit=1024,
    # Every sample of Gupshup's shows a UUID, no page says so: confidence M in the facts, hence a warning (302).
    template_id=re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    template_id_hint="the UUID, as the Gupshup console shows it",
    variables=check_variables,
    components=COMPONENTS,
)
"""WhatsApp through Gupshup: templates with variables per component."""
