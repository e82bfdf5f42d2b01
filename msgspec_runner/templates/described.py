"""What each filter and test does, in a sentence and an example: the words that an editor shows.

``tests/templates/test_described.py`` renders every example in the locale en_US and the zone America/New_York, and holds
the tables to the allow-list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Described(NamedTuple):
    """One filter.

    Attributes:
        words: what it gives.
        example: an expression, without its braces, that needs no column.
        result: what the example writes.
    """

    words: str
    example: str
    result: str


_DATE: Final = "'2031-03-10'"
_MOMENT: Final = "'2031-03-10T19:30'"
_WORDS: Final = "['pear', 'apple', 'pear']"
_PEOPLE: Final = "[{'n': 'Ann', 'age': 30}, {'n': 'Bob', 'age': 4}]"
_DEFAULT: Final = "What to write where there is no value; with `true` behind it, also for 0, false and an empty text."
_COUNT: Final = "How many characters a text or items a list has."

FILTERS: Final[Mapping[str, Described]] = {
    "abs": Described("A number without its sign.", "-5 | abs", "5"),
    "at": Described(
        "The same day at that time, in the spec's time zone.",
        f"{_DATE} | at('09:00') | iso",
        "2031-03-10T09:00:00-04:00",
    ),
    "batch": Described("A list in rows of so many items.", "[1, 2, 3] | batch(2)", "[[1, 2], [3]]"),
    "capitalize": Described("The first letter large, the others small.", "'ANN LEE' | capitalize", "Ann lee"),
    "center": Described("A text between as many spaces as make it that wide.", "'hi' | center(6)", "  hi  "),
    "count": Described(_COUNT, "'Ann' | count", "3"),
    "currency": Described(
        "An amount of money in the locale's way; the code is ISO 4217.", "1250.5 | currency('USD')", "$1,250.50"
    ),
    "d": Described(_DEFAULT, "'' | d('there', true)", "there"),
    "date": Described(
        "A date in words: short, medium, long, full, or a CLDR pattern.",
        f"{_DATE} | date('EEEE d MMMM')",
        "Monday 10 March",
    ),
    "datetime": Described(
        "A date and time in the spec's time zone: a style, or a CLDR pattern.",
        f"{_MOMENT} | datetime('HH:mm')",
        "19:30",
    ),
    "default": Described(_DEFAULT, "'' | default('there', true)", "there"),
    "dictsort": Described("A mapping's keys and values, sorted.", "{'b': 2, 'a': 1} | dictsort | first | first", "a"),
    "first": Described("The first item of a list, or character of a text.", f"{_WORDS} | first", "pear"),
    "float": Described(
        "A number from a text; a text that is none is an error without a default.", "'1.5' | float", "1.5"
    ),
    "groupby": Described(
        "A list of mappings, grouped by what they have under a key.", f"{_PEOPLE} | groupby('age') | length", "2"
    ),
    "indent": Described("Every line but the first moved to the right.", "'a\nb' | indent(2)", "a\n  b"),
    "int": Described(
        "A whole number from a text; a text that is none is an error without a default.", "'12' | int", "12"
    ),
    "iso": Described(
        "ISO 8601: a date as it is, a moment with its offset, as `schedule` wants it.",
        f"{_MOMENT} | iso",
        "2031-03-10T19:30:00-04:00",
    ),
    "items": Described("A mapping's keys and values.", "{'a': 1} | items | length", "1"),
    "join": Described(
        "A list as one text, with a separator between its items.", f"{_WORDS} | join(', ')", "pear, apple, pear"
    ),
    "last": Described("The last item of a list, or character of a text.", f"{_WORDS} | last", "pear"),
    "length": Described(_COUNT, f"{_WORDS} | length", "3"),
    "list": Described("The items of a list, the characters of a text.", "'ab' | list", '["a", "b"]'),
    "lower": Described("All letters small.", "'ANN' | lower", "ann"),
    "map": Described(
        "What a filter makes of every item, or what each has under a key.",
        f"{_PEOPLE} | map(attribute='n') | join(', ')",
        "Ann, Bob",
    ),
    "max": Described("The largest item of a list.", "[3, 9, 4] | max", "9"),
    "min": Described("The smallest item of a list.", "[3, 9, 4] | min", "3"),
    "minus": Described(
        "A date or moment that much earlier; days keep the time of day when the clocks change.",
        f"{_DATE} | minus(days=1) | iso",
        "2031-03-09",
    ),
    "number": Described(
        "A number with the locale's separators, and that many decimals.", "1250.5 | number(2)", "1,250.50"
    ),
    "plus": Described(
        "A date or moment that much later; days keep the time of day when the clocks change.",
        f"{_DATE} | plus(weeks=2) | iso",
        "2031-03-24",
    ),
    "reject": Described("The items that a test does not hold for.", "[1, 2, 3] | reject('odd') | join", "2"),
    "rejectattr": Described(
        "The mappings for whose key a test does not hold.", f"{_PEOPLE} | rejectattr('age', 'gt', 18) | length", "1"
    ),
    "replace": Described(
        "A text with one part written as another.", "'Elm St' | replace('St', 'Street')", "Elm Street"
    ),
    "reverse": Described("A list or text from its end to its beginning.", "'abc' | reverse", "cba"),
    "round": Described("A rounded number; the method is common, ceil or floor.", "2.4 | round(0, 'ceil')", "3.0"),
    "select": Described(
        "The items that a test holds for; without one, those that have a value.",
        "[1, 2, 3] | select('odd') | join",
        "13",
    ),
    "selectattr": Described(
        "The mappings for whose key a test holds.", f"{_PEOPLE} | selectattr('age', 'gt', 18) | length", "1"
    ),
    "slice": Described("A list in that many parts.", "[1, 2, 3] | slice(2)", "[[1, 2], [3]]"),
    "sort": Described("A list in order.", f"{_WORDS} | sort | first", "apple"),
    "string": Described("The value as text.", "12 | string", "12"),
    "striptags": Described("A text without its HTML.", "'<b>Hi</b> Ann' | striptags", "Hi Ann"),
    "sum": Described(
        "The sum of a list of numbers, or of what mappings have under a key.", f"{_PEOPLE} | sum(attribute='age')", "34"
    ),
    "title": Described("The first letter of every word large.", "'ann lee' | title", "Ann Lee"),
    "tojson": Described("The value as JSON.", "['a', 1] | tojson", '["a", 1]'),
    "trim": Described("A text without white space, or those characters, at its ends.", "' hi ' | trim", "hi"),
    "truncate": Described(
        "A text of at most that many characters, with … where it was cut.",
        "'abcdefghijkl' | truncate(6, true, '…', 0)",
        "abcde…",
    ),
    "unique": Described("A list without what is in it twice.", f"{_WORDS} | unique | join(', ')", "pear, apple"),
    "upper": Described("All letters large.", "'Ann' | upper", "ANN"),
    "urlencode": Described("A text as a part of a URL.", "'Elm Street' | urlencode", "Elm%20Street"),
    "wordcount": Described("How many words a text has.", "'one two' | wordcount", "2"),
    "wordwrap": Described("A text in lines of at most that many characters.", "'one two' | wordwrap(4)", "one\ntwo"),
}
"""Every filter, by name."""

TESTS: Final[Mapping[str, str]] = {
    "boolean": "true or false",
    "defined": "there is a value",
    "divisibleby": "a multiple of the number behind it",
    "even": "an even number",
    "false": "false itself",
    "float": "a number with decimals",
    "in": "one of the items behind it",
    "integer": "a whole number",
    "iterable": "a list, a mapping or a text",
    "lower": "a text without large letters",
    "mapping": "a mapping",
    "none": "nothing, written out",
    "number": "a number",
    "odd": "an odd number",
    "sequence": "a list or a text",
    "string": "a text",
    "true": "true itself",
    "undefined": "there is no value",
    "upper": "a text without small letters",
}
"""The tests that people write behind ``is``; those with signs and their names (``==``, ``eq``) are left out."""

STATEMENTS: Final[Mapping[str, str]] = {
    "call": "Calls a macro with a text of its own.",
    "elif": "Otherwise, if this is true.",
    "else": "Otherwise.",
    "endcall": "Ends `call`.",
    "endfilter": "Ends `filter`.",
    "endfor": "Ends `for`.",
    "endif": "Ends `if`.",
    "endmacro": "Ends `macro`.",
    "endset": "Ends a `set` around a text.",
    "endwith": "Ends `with`.",
    "filter": "Sends all that follows through a filter.",
    "for": "Once for each item: `for item in items`.",
    "from": 'Takes macros from a partial: `from "macros.txt" import greet`.',
    "if": "Only if this is true.",
    "import": 'Takes a partial\'s macros under a name: `import "macros.txt" as m`.',
    "include": 'Puts in a text of `partials/`: `include "signature.txt"`.',
    "macro": "Names a text with parameters.",
    "set": "Names a value: `set day = starts_at | date`.",
    "with": "Names values up to `endwith`.",
}
"""The words that ``{%`` may begin with."""
