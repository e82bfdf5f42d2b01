"""The door to a template: plain text is recognised here, ``names_only`` and ``analysis`` read the rest."""

from __future__ import annotations

from functools import lru_cache

from msgspec_runner.templates.limits import MAX_SOURCE
from msgspec_runner.templates.names_only import read_names
from msgspec_runner.templates.template import Template, TemplateProblem


@lru_cache(maxsize=4096)
def parse(source: str) -> Template:
    """Parse a template and look for everything that can be known without values.

    Args:
        source: Jinja text.

    Returns:
        The template; whatever is wrong with it is in its ``problems``. Nothing is raised.
    """
    if "{{" not in source and "{%" not in source and "{#" not in source:
        if len(source) <= MAX_SOURCE:
            return Template(source, is_static=True)
        message = f"this text is longer than {MAX_SOURCE:,} characters"
        problem = TemplateProblem("unsafe", message, MAX_SOURCE, len(source))
        return Template(source, (problem,), is_static=True)
    simple = read_names(source)
    if simple is not None:
        return simple
    # Jinja takes tens of milliseconds to import; a spec whose templates only name values does not need it.
    from msgspec_runner.templates.analysis import analyse

    return analyse(source)
