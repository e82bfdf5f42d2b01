"""A rule's docstring as other people's tools show it: its first sentence, plain text, Markdown."""

from __future__ import annotations

import inspect
import re
import textwrap

from msgspec_runner.linting.rule import Rule

_EXAMPLE = re.compile(r"^(\w+)::\n\n((?:(?: {4}.*)?\n)*(?: {4}.*)(?:\n|$))", re.MULTILINE)


def summary(rule: Rule) -> str:
    """Return the first sentence: what the pattern is, as plain text."""
    return _plain(inspect.cleandoc(rule.doc).partition("\n")[0])


def reason(rule: Rule) -> str:
    """Return what stands between the first sentence and the examples: why it matters, as plain text."""
    rest = inspect.cleandoc(rule.doc).partition("\n")[2]
    return _plain(re.split(r"^\w+::$", rest, maxsplit=1, flags=re.MULTILINE)[0].strip())


def without_examples(rule: Rule) -> Rule:
    """Return the rule with what its docstring has beside the examples, ``Bad::`` and ``Good::``."""
    return rule._replace(doc=_EXAMPLE.sub("", inspect.cleandoc(rule.doc)).strip())


def plain(rule: Rule) -> str:
    """Return the whole docstring as plain text."""
    return _plain(inspect.cleandoc(rule.doc))


def markdown(text: str) -> str:
    """Turn a docstring's marks into Markdown's: double backticks, and an indented block after ``Bad::``.

    Args:
        text: a docstring or a part of one, without its indentation.
    """
    text = _EXAMPLE.sub(
        lambda match: f"**{match[1]}**\n\n```yaml\n{textwrap.dedent(match[2]).rstrip()}\n```\n",
        text,
    )
    return re.sub(r"``(.+?)``", r"`\1`", text).rstrip("\n")


def _plain(text: str) -> str:
    return re.sub(r"^(\w+)::$", r"\1:", text, flags=re.MULTILINE).replace("``", "`")
