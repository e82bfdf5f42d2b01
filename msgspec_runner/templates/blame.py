"""From an operation that failed to the error that a user sees: at the place of whatever was to blame."""

from __future__ import annotations

from typing import Any, NoReturn

from jinja2 import nodes

from msgspec_runner.templates.lookups import METHOD_NAMES
from msgspec_runner.templates.positions import span
from msgspec_runner.templates.problems import RenderError, describe_failure, missing_value
from msgspec_runner.templates.syntax import Tree
from msgspec_runner.templates.values import ABSENT


class Blame:
    """Makes the errors of one template.

    Args:
        tree: the template; knows where its nodes stand.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def fail(self, error: BaseException, node: nodes.Node, *operands: tuple[nodes.Node, Any]) -> NoReturn:
        """Raise what a failed operation means, at the place of the node or of its absent operand.

        Args:
            error: what the operation raised.
            node: the operation.
            operands: the nodes and values it worked on; the first absent one is the culprit.
        """
        for operand, value in operands:
            if value is ABSENT:
                raise self.missing(operand) from None
        kind, message = describe_failure(error)
        start, end = span(self.tree, node)
        name = self.tree.source[start:end] if kind == "missing" and isinstance(node, nodes.Name) else None
        raise RenderError(message, start, end, kind, name) from None

    def called(self, error: RenderError, node: nodes.Call) -> RenderError:
        """Return the error of a macro: at its own place, or at the call where that is in another template.

        An error of the body of a ``{% call %}`` passes a partial's macro on the way to its own template.
        """
        own = error.source is None or error.source is self.tree.source
        if own or (isinstance(node.node, nodes.Name) and node.node.name == "caller"):
            return error
        return RenderError(error.message, *span(self.tree, node), error.kind, error.name, error.partial)

    def missing(self, node: nodes.Node) -> RenderError:
        """Return the error of an absent value that is needed."""
        if isinstance(node, nodes.Filter) and node.name in {"default", "d"} and node.args:
            return self.missing(node.args[0])  # what was to stand in for it is absent too
        start, end = span(self.tree, node)
        source = self.tree.source[start:end]
        if isinstance(node, (nodes.Name, nodes.Getattr, nodes.Getitem)):
            if isinstance(node, nodes.Getattr) and node.attr in METHOD_NAMES:
                message = f"{source} is not called; write {source}()"
                return RenderError(message, start, end, "missing", source)
            return missing_value(source, start, end)
        return RenderError("this has no value here; give it a default: (…) | default('…')", start, end, "missing")
