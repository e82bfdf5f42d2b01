"""Values that a shell completes: of options and arguments, from what lies on this machine.

A shell asks while somebody types, so nothing here makes a file, uses the network, waits, or says a word about what is
wrong. What is offered lands on the command line: of names that a pull request may choose, only those are offered that
no shell reads as anything but a word.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from msgspec_runner.config import Config

    Items = list[CompletionItem[str]]

Completer = Callable[[click.Context, click.Parameter, str], "Items"]
"""What click calls: with what was typed before, what is being typed, and its beginning."""

MOST_ENTRIES = 2_000
"""Files and folders that are looked at for specs: 20 ms. A configuration may name any folder."""

_WORD = re.compile(r"[\w./][\w./+,=-]*", re.ASCII)
"""What is safe to insert: no blanks, quotes, control characters, nor anything that a shell would expand or run."""


def quietly(complete: Completer) -> Completer:
    """Let a completer that fails offer nothing: what is wrong is told by the command itself."""

    @wraps(complete)
    def wrapper(context: click.Context, parameter: click.Parameter, begun: str) -> Items:
        try:
            return complete(context, parameter, begun)
        except Exception:  # noqa: BLE001 - a traceback in the middle of a line that somebody types
            return []

    return wrapper


def offer(begun: str, values: Iterable[tuple[str, str]]) -> Items:
    """Return what begins as typed: each value with a few words about it."""
    from click.shell_completion import CompletionItem

    return [
        CompletionItem(value, help=words or None)
        for value, words in values
        if value.startswith(begun) and _WORD.fullmatch(value)
    ]


def one_of(values: Mapping[str, str]) -> Completer:
    """Return the completer of an option that takes one of some words, and perhaps more behind it.

    Args:
        values: each with a few words about it, or none.
    """

    def complete(context: click.Context, parameter: click.Parameter, begun: str) -> Items:
        return offer(begun, values.items())

    return complete


@quietly
def rule_codes(context: click.Context, parameter: click.Parameter, begun: str) -> Items:
    """Offer codes of rules, behind each comma too."""
    from msgspec_runner.linting.rules import RULES

    before, comma, _ = begun.rpartition(",")
    return offer(begun, ((f"{before}{comma}{rule.code}", rule.name) for rule in RULES))


@quietly
def rules(context: click.Context, parameter: click.Parameter, begun: str) -> Items:
    """Offer codes of rules, and names once one is begun."""
    from msgspec_runner.linting.rules import RULES

    if begun[:1].islower():
        return offer(begun, ((rule.name, rule.code) for rule in RULES))
    return offer(begun, ((rule.code, rule.name) for rule in RULES))


@quietly
def profiles(context: click.Context, parameter: click.Parameter, begun: str) -> Items:
    """Offer the profiles of the configuration."""
    return offer(begun, ((name, "") for name in project_config().profiles))


@quietly
def specs(context: click.Context, parameter: click.Parameter, begun: str) -> Items:
    """Offer the project's specs by their paths; elsewhere, whatever files the shell finds."""
    from click.shell_completion import CompletionItem

    try:
        config = project_config()
        places = [os.path.relpath(config.root / place) for place in config.specs]
        found = offer(begun, ((path, "") for path in sorted(set(_below(places)))))
    except Exception:  # noqa: BLE001 - files can be named whatever the configuration says
        found = []
    return found or [CompletionItem(begun, type="file")]


def project_config(profile: str | None = None) -> Config:
    """Return the configuration of the project in which somebody types.

    Args:
        profile: that was typed before.
    """
    from msgspec_runner.config import load_config, project_root

    config = load_config(project_root(Path.cwd()))
    return config.with_profile(profile) if profile else config


def _below(places: Iterable[str]) -> Iterator[str]:
    """Yield specs at some places, folder by folder, looking at :data:`MOST_ENTRIES` files and folders at most."""
    from msgspec_runner.config import is_spec_name

    folders, left = [], MOST_ENTRIES
    for place in places:
        if os.path.isfile(place):  # noqa: PTH113 - is_file() raises for a long name
            yield place
        else:
            folders.append(place)
    while folders and left > 0:
        with os.scandir(folders.pop(0)) as entries:
            seen = list(islice(entries, left))
        left -= len(seen)
        for entry in seen:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif is_spec_name(entry.name):
                yield os.path.normpath(entry.path)
