"""What is known of a template before it is rendered: its problems, its names, its partials."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from msgspec_runner.templates.syntax import Tree


class TemplateProblem(NamedTuple):
    """Why a template cannot be used.

    Attributes:
        kind: ``syntax``, ``unknown-filter``, ``unknown-test``, ``undefined``, ``unsafe`` or ``include``.
        message: what is wrong and what to write instead.
        start: offset of the first offending character in the source.
        end: offset behind the last one.
        suggestion: a name that was probably meant, which may replace the characters; None where there is none.
    """

    kind: str
    message: str
    start: int
    end: int
    suggestion: str | None = None


class NameUse(NamedTuple):
    """One place where a template reads a value that it did not make itself.

    Attributes:
        name: the column's or variable's name.
        start: offset of its first character in the source.
        end: offset behind its last one.
        guarded: an absent value does no harm here: ``default(…)`` replaces it, or a condition asks first.
        output: the value may reach the text; False where only a condition looks at it.
    """

    name: str
    start: int
    end: int
    guarded: bool
    output: bool


class IncludeUse(NamedTuple):
    """A partial that a template includes or imports; offsets are those of the name in its quotes.

    Attributes:
        name: the partial's name as written.
        start: offset of the opening quote.
        end: offset behind the closing one.
        optional: ``ignore missing`` is written behind it.
    """

    name: str
    start: int
    end: int
    optional: bool = False


class Part(NamedTuple):
    """A part of a template that is nothing but text and names.

    Attributes:
        text: the fixed text, or the name.
        start: offset of its first character in the source.
        end: offset behind its last one.
        literal: whether it is fixed text.
    """

    text: str
    start: int
    end: int
    literal: bool


class Template(NamedTuple):
    """A parsed template; made by :func:`~msgspec_runner.templates.parsing.parse`, rendered through an ``Environment``.

    Attributes:
        source: the text as given.
        problems: why it cannot be rendered; in the order of their places.
        names: what it reads from outside, in the order of their places.
        includes: the partials that it names.
        is_static: it has no ``{{``, ``{%`` or ``{#``: its text is the same for everybody.
        sole_expression: it is one ``{{ … }}`` and nothing else, so that its value need not become text.
        parts: what it consists of, where it is nothing but text and names.
        tree: Jinja's syntax tree, where it is more than that and could be parsed.
    """

    source: str
    problems: tuple[TemplateProblem, ...] = ()
    names: tuple[NameUse, ...] = ()
    includes: tuple[IncludeUse, ...] = ()
    is_static: bool = False
    sole_expression: bool = False
    parts: tuple[Part, ...] = ()
    tree: Tree | None = None
