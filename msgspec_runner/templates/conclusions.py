"""What follows from the types of a template's values: the results of inference."""

from __future__ import annotations

from typing import NamedTuple

from msgspec_runner.templates.types import Type


class Mismatch(NamedTuple):
    """An operation that fails whatever the values are.

    Attributes:
        start: offset of the first offending character: of a filter's name, of an operand.
        end: offset behind the last one.
        message: what arrives, what is needed, and what to write instead.
        whole: the offsets of the operation, which is what a failing rendering blames.
    """

    start: int
    end: int
    message: str
    whole: tuple[int, int]


class Constant(NamedTuple):
    """A condition with the same outcome for everybody.

    Attributes:
        start: offset of its first character.
        end: offset behind its last one.
        truth: the outcome.
        message: which it is, why, and what to write instead.
    """

    start: int
    end: int
    truth: bool
    message: str


class Question(NamedTuple):
    """A condition that is nothing but a column that may be a text: true for every text, for “false” too.

    Attributes:
        column: its name.
        start: offset of its first character.
        end: offset behind its last one.
    """

    column: str
    start: int
    end: int


class Reading(NamedTuple):
    """A filter that reads a column's texts: some are dates or numbers, others are none.

    Attributes:
        column: the column.
        filter: the filter's name.
        needs: what it reads, in words: ``a date``.
        start: offset of the filter's name.
        end: offset behind it.
        whole: the offsets of value and filter, which is what a failing rendering blames.
        says: what it says of a text that it cannot read.
    """

    column: str
    filter: str
    needs: str
    start: int
    end: int
    whole: tuple[int, int]
    says: tuple[str, ...]


class Flow(NamedTuple):
    """What is known of a template's values before there are any.

    Attributes:
        mismatches: operations that fail whatever the values are, in the order of their places.
        constants: conditions that come out the same for everybody, likewise.
        questions: conditions that are nothing but a column that may be a text.
        readings: filters that read a column's texts as dates or numbers.
        outputs: the type of each ``{{ … }}``, in the order of evaluation.
    """

    mismatches: tuple[Mismatch, ...] = ()
    constants: tuple[Constant, ...] = ()
    questions: tuple[Question, ...] = ()
    readings: tuple[Reading, ...] = ()
    outputs: tuple[Type, ...] = ()
