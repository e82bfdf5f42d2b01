"""The types of a spec's columns and vars, and what follows from them in its templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from msgspec_runner.recipients.columns import Column, default_problem
from msgspec_runner.spec import Field, Spec

if TYPE_CHECKING:
    from msgspec_runner.templates.conclusions import Flow
    from msgspec_runner.templates.scopes import Known
    from msgspec_runner.templates.types import Type


class FieldFlow(NamedTuple):
    """What is known of the values in one field's template.

    Attributes:
        field: the field.
        flow: what is known.
    """

    field: Field
    flow: Flow


class Flows:
    """What is known of each template of a spec that is more than text and names, and has no problems.

    Rules about the spec and rules about its rows ask for it; each template is inferred once.

    Args:
        spec: the spec.
        variables: the vars, merged by precedence.
    """

    __slots__ = ("_fields", "_known", "_plain", "_spec", "_variables")

    def __init__(self, spec: Spec, variables: Mapping[str, object]) -> None:
        self._spec = spec
        self._variables = variables
        self._fields = [
            field for field in spec.templates if field.template.tree is not None and not field.template.problems
        ]
        self._known: dict[str, Known] | None = None
        self._plain: dict[int, FieldFlow] = {}

    def of(self, columns: frozenset[str] | None) -> tuple[FieldFlow, ...]:
        """Return what is known where these are the names of all columns; None where they are not known."""
        if not self._fields:
            return ()  # most specs: what infers types needs Jinja, which takes tens of milliseconds to load
        if self._known is None:
            self._known = _known_names(self._spec, self._variables)
        return tuple(self._flow(number, field, columns) for number, field in enumerate(self._fields))

    def _flow(self, number: int, field: Field, columns: frozenset[str] | None) -> FieldFlow:
        assert self._known is not None
        missing: set[str] = set()
        if columns is not None:  # of a name that does not exist MSG402 speaks, and nobody else
            missing = {use.name for use in field.template.names} - columns - self._known.keys()
        if missing:
            from msgspec_runner.templates.scopes import ANYTHING

            return _inferred(field, {**self._known, **dict.fromkeys(missing, ANYTHING)})
        if number not in self._plain:
            self._plain[number] = _inferred(field, self._known)
        return self._plain[number]


def _inferred(field: Field, names: Mapping[str, Known]) -> FieldFlow:
    from msgspec_runner.templates.flow import infer
    from msgspec_runner.templates.types import UNDECLARED

    assert field.template.tree is not None
    return FieldFlow(field, infer(field.template.tree, names, UNDECLARED))


def _known_names(spec: Spec, variables: Mapping[str, object]) -> dict[str, Known]:
    """Return what the spec tells of its columns, and the values of its vars; of a name that is both, nothing."""
    from msgspec_runner.templates.scopes import ANYTHING, Known
    from msgspec_runner.templates.types import type_of

    # A var may be another one tomorrow (--var, a profile): that a condition on it is constant is its purpose.
    names = {name: Known(type_of(value), settled=True) for name, value in variables.items()}
    for column in spec.columns:
        is_var = column.name in variables
        names[column.name] = ANYTHING if is_var else Known(_column_type(spec, column), column=column.name)
    return names


def _column_type(spec: Spec, column: Column) -> Type:
    """Return the type of a declared column's values; unknown where its type is none that exists (MSG109)."""
    from msgspec_runner.source.document import Scalar
    from msgspec_runner.templates import types

    written = spec.document.node(("recipients", "columns", column.name, "type"))
    if written is not None and not (isinstance(written, Scalar) and written.text in (column.type, "")):
        return types.UNKNOWN
    plain = {
        "integer": types.INTEGER,
        "number": types.NUMBER,
        "boolean": types.BOOLEAN,
        "date": types.DATE,
        "datetime": types.DATETIME,
    }.get(column.type, types.FILLED_TEXT)
    found = _choices(column) or plain
    may_be_empty = not column.required and (column.default is None or default_problem(column) is not None)
    return types.union(found, types.ABSENT_TYPE) if may_be_empty else found


def _choices(column: Column) -> Type | None:
    """Return the type of a column's enum; None where it has none, or not all of it can be read."""
    from msgspec_runner.recipients.cells import converter
    from msgspec_runner.templates.types import MAX_VALUES, one_of

    if not 0 < len(column.enum) <= MAX_VALUES:
        return None
    convert = converter(column.type, column.region)
    try:
        return one_of(text if convert is None else convert(text) for text in column.enum if text.strip())
    except ValueError:
        return None
