"""The fast way to the text of what most templates are: statements that write and choose, and do no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from jinja2 import nodes

from msgspec_runner.templates.expressions import Expressions
from msgspec_runner.templates.names_only import MAX_PARTS
from msgspec_runner.templates.runtime import Values

Text = str | Callable[[Values], str]
"""Fixed text, or what gives a text for the values."""


class Joiner:
    """Compiles statements to texts that are joined, without places.

    Args:
        expressions: compiles the expressions of the template.
    """

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self._watched = expressions.watched

    def texts(self, statements: Iterable[nodes.Node]) -> list[Text] | None:
        """Return what statements write, without places: the fast way for what most templates are.

        None for statements that do more than write and choose, and where there are more than :data:`MAX_PARTS`
        expressions: these are written one by one, and counted.
        """
        outputs = [part for node in statements for part in (node, *node.find_all(nodes.Output))]
        if sum(len(part.nodes) for part in outputs if isinstance(part, nodes.Output)) > 2 * MAX_PARTS:
            return None
        return self._texts(statements)

    def _texts(self, statements: Iterable[nodes.Node]) -> list[Text] | None:
        made: list[Text] = []
        for node in statements:
            if isinstance(node, nodes.Output):
                made += [
                    part.data if isinstance(part, nodes.TemplateData) else self._expressions.text(part)
                    for part in node.nodes
                ]
                continue
            choice = self._choice(node) if isinstance(node, nodes.If) else None
            if choice is None:
                return None
            made.append(choice)
        return made

    def _choice(self, node: nodes.If) -> Callable[[Values], str] | None:
        branches = []
        for number, each in enumerate((node, *node.elif_)):
            text = self._joined(each.body)
            if text is None:
                return None
            branches.append((self._expressions.compile(each.test), self._watched(node, number, text)))
        written = self._joined(node.else_)
        if written is None:
            return None
        otherwise = self._watched(node, len(branches), written)

        def choose(scope: Values) -> str:
            for test, text in branches:
                if test(scope):
                    return text(scope)
            return otherwise(scope)

        return choose

    def _joined(self, statements: Iterable[nodes.Node]) -> Callable[[Values], str] | None:
        texts = self._texts(statements)
        if texts is None:
            return None
        if all(isinstance(text, str) for text in texts):
            fixed = "".join(map(str, texts))
            return lambda _: fixed
        return lambda scope: "".join([text if isinstance(text, str) else text(scope) for text in texts])
