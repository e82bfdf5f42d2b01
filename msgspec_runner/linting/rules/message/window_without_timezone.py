"""MSG210."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject


@spec_rule("MSG210", Severity.ERROR)
def window_without_timezone(subject: Subject) -> Iterator[Finding]:
    """``delivery.window`` has hours, and nothing says in which time zone.

    Nine o'clock is another moment in each zone, and the zone of the machine that sends is nobody's. Name it in the
    window, where a column may give each recipient's own, or once in the spec or the configuration.

    Bad::

        delivery:
          window: {from: "09:00", to: "19:00"}

    Good::

        delivery:
          window: {from: "09:00", to: "19:00", timezone: America/New_York}
    """
    spec = subject.spec
    written = subject.document.node(("delivery", "window", "timezone"))  # MSG109 says so where it is none
    if spec.delivery.window is None or written is not None or spec.timezone is not None:
        return
    message = "nobody knows whose hours these are: add `timezone: America/New_York` (or another) to the window"
    name = subject.config.timezone
    if name is not None:
        # Only who has a window pays for the machine of time zones.
        from msgspec_runner.templates.filters import find_zone
        from msgspec_runner.templates.problems import Refusal

        try:
            find_zone(name)
        except Refusal:
            message = f"its hours are those of the configuration's `timezone`, and there is no {name!r}: correct it"
        else:
            return
    yield Finding(subject.key_span("delivery", "window"), message, "delivery.window")
