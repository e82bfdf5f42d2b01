"""Templates: Jinja's syntax, evaluated here with bounds, exact places and nothing to escape through.

:func:`parse` tells what can be known without values; :class:`Environment` binds a template to a locale, a time
zone and partials; :class:`Bound` renders it for one row after the other.
"""

from msgspec_runner.templates.environment import Bound, Environment, Piece
from msgspec_runner.templates.parsing import parse
from msgspec_runner.templates.problems import RenderError
from msgspec_runner.templates.reserved import RESERVED_NAMES
from msgspec_runner.templates.template import IncludeUse, NameUse, Template, TemplateProblem
from msgspec_runner.templates.values import ABSENT, Absent

__all__ = [
    "ABSENT",
    "RESERVED_NAMES",
    "Absent",
    "Bound",
    "Environment",
    "IncludeUse",
    "NameUse",
    "Piece",
    "RenderError",
    "Template",
    "TemplateProblem",
    "parse",
]
