"""Why a template cannot be used, or could not be rendered: always with the offending characters."""

from __future__ import annotations

from typing import NamedTuple


class InPartial(NamedTuple):
    """Where in a partial something is wrong.

    Attributes:
        name: the partial's.
        line: 1-based.
        column: 1-based, in code points.
    """

    name: str
    line: int
    column: int


class RenderError(Exception):
    """A template could not be rendered for these values.

    Attributes:
        message: what is wrong and what to write instead; never holds a value (people's data).
        start: offset of the first offending character in the template's source.
        end: offset behind the last one.
        kind: ``missing`` (an absent value reached the text or an operation), ``type`` (a value of the wrong
            type), ``bound`` (too much work or text), ``include`` (a partial's partial is not there), the kind of a
            :class:`~msgspec_runner.templates.template.TemplateProblem` that a partial has, ``value`` (everything else).
        name: the absent name, where ``kind`` is ``missing``.
        source: the template or partial that the offsets are of, once the error has left a macro: who calls it may be
            another; None while that is beyond doubt.
        partial: where in a partial it is; None where it is in the template itself.
    """

    def __init__(
        self,
        message: str,
        start: int,
        end: int,
        kind: str,
        name: str | None = None,
        partial: InPartial | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.kind = kind
        self.name = name
        self.source: str | None = None
        self.partial = partial


class Fault(NamedTuple):
    """One thing that is wrong within a text.

    Attributes:
        message: what is wrong and what to write instead.
        start: offset in the text of its first character.
        end: offset behind its last one.
    """

    message: str
    start: int
    end: int


class Refusal(Exception):  # noqa: N818 - not an error by itself: the evaluator adds the place and makes it one
    """An operation says no; whoever knows the place turns this into a :class:`RenderError`.

    Attributes:
        kind: as in :class:`RenderError`.
        message: as in :class:`RenderError`.
        faults: what is wrong where within the value that was refused; empty where that is all of it.
        partial: as in :class:`RenderError`.
    """

    def __init__(self, kind: str, message: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.faults = faults
        self.partial: InPartial | None = None


def put_in_partial(error: RenderError | Refusal, name: str, source: str, start: int) -> None:
    """Say of an error where in which partial it is; of partials within partials, the innermost is the one to mend.

    Args:
        error: what is wrong.
        name: the partial's.
        source: its text.
        start: offset in it of what is wrong.
    """
    if error.partial is None:
        line = source.count("\n", 0, start) + 1
        error.partial = InPartial(name, line, start - source.rfind("\n", 0, start))
        error.message = f"in partial {name!r}, line {line}: {error.message}"


def missing_value(source: str, start: int, end: int) -> RenderError:
    """Return the error of an absent value that is needed.

    Args:
        source: the name, with attributes and items, as written.
        start: offset of its first character in the template.
        end: offset behind its last one.
    """
    message = f"{source} has no value here; give it one, or a default: {{{{ {source} | default('…') }}}}"
    return RenderError(message, start, end, "missing", source)


FAILURES = (
    Refusal,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    AssertionError,
    RecursionError,
    MemoryError,
)
"""What an operation on a value may raise."""


def describe_failure(error: BaseException) -> tuple[str, str]:
    """Return the kind and the message of a failed operation.

    The words of a foreign exception may quote the value, so only our own are passed on.
    """
    if isinstance(error, Refusal):
        return error.kind, error.message
    if isinstance(error, (RecursionError, MemoryError)):
        return "bound", "this is nested too deeply"
    if isinstance(error, ZeroDivisionError):
        return "value", "this divides by zero"
    if isinstance(error, OverflowError):
        return "bound", "this makes a number that is too large"
    if isinstance(error, (TypeError, AttributeError)):
        return "type", "this does not work with a value of this type, or has a wrong argument"
    return "value", "this does not work with this value"


def describe_type(value: object) -> str:
    """Name a value's type in the words of a spec: a text, a number, a list …"""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    name = type(value).__name__
    words = {"str": "a text", "int": "a number", "float": "a number", "Decimal": "a number", "list": "a list"}
    words |= {"tuple": "a list", "dict": "a mapping", "date": "a date", "datetime": "a date with a time"}
    return words.get(name, f"a {name.lower()}")
