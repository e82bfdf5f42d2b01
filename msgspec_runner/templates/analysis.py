"""From source to :class:`Template`: parse, then look at the tree without values."""

from __future__ import annotations

from jinja2 import nodes

from msgspec_runner.templates.checks import check, includes
from msgspec_runner.templates.names import name_uses
from msgspec_runner.templates.syntax import Unreadable, read
from msgspec_runner.templates.template import Template, TemplateProblem


def analyse(source: str) -> Template:
    """Return what is known of a template that is more than plain text; raises nothing."""
    try:
        tree = read(source)
        problems = check(tree)
    except Unreadable as error:
        return Template(source, (TemplateProblem(error.kind, error.message, error.start, error.end),))
    body = tree.body
    # The first mark opens the expression, and an expression's own closing brace can only be the last one.
    sole = (
        len(body) == 1
        and isinstance(body[0], nodes.Output)
        and len(body[0].nodes) == 1
        and tree.marks[0].kind == "variable_begin"
        and tree.marks[0].start == 0
        and tree.marks[-1].kind == "variable_end"
        and tree.marks[-1].end == len(source)
        and not source[-1].isspace()
    )
    return Template(source, problems, name_uses(tree), includes(tree), sole_expression=sole, tree=tree)
