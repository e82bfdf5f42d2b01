"""Options that several commands share, and the terminal that they describe."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import click

from msgspec_runner.cli import completing
from msgspec_runner.errors import UsageError
from msgspec_runner.settings import VARIABLES

Function = Callable[..., Any]
"""A command's function; click passes its options by name."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a command writes, and how much.

    Attributes:
        quiet: findings and results only.
        verbose: everything, with the reasons.
        color: ``auto``, ``always`` or ``never``.
        show_numbers: whether phone numbers are shown in full.
    """

    quiet: bool
    verbose: bool
    color: str
    show_numbers: bool = False

    def colors(self, *, err: bool = False) -> bool:
        """Say whether to colour a stream: as asked, else at a terminal without NO_COLOR."""
        if self.color != "auto":
            return self.color == "always"
        stream = sys.stderr if err else sys.stdout
        return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def note(self, text: str = "") -> None:
        """Write a line for people to standard error, unless it is to be quiet."""
        if not self.quiet:
            self.warn(text)

    def warn(self, text: str) -> None:
        """Write a line to standard error that even ``--quiet`` shows; a run goes on when nobody reads it any more."""
        from msgspec_runner.reports.text import printable_lines

        try:
            # What it tells may come from a ledger that others can write, or from an API.
            click.echo(printable_lines(text), err=True, color=self.colors(err=True))
        except OSError:  # the reader has gone, or the disk is full
            discard(sys.stderr)

    def report(self, text: str) -> None:
        """Write a result to standard output; that nobody reads it any more does not change how the command ends."""
        from msgspec_runner.reports.text import plain_json, printable_lines

        try:
            click.echo(plain_json(text) if text.startswith("{") else printable_lines(text))
        except BrokenPipeError:
            discard(sys.stdout)
        except OSError as error:
            discard(sys.stdout)
            self.warn(f"the result could not be written: {error.strerror}")


def discard(stream: TextIO) -> None:
    """Let a stream whose reader has gone write to nowhere: what is left in its buffer would fail again at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def common(function: Function) -> Function:
    """Add ``--profile``, ``--quiet``, ``--verbose`` and ``--color``; the command gets ``terminal`` and ``profile``."""

    @click.option(
        "--profile",
        metavar="NAME",
        envvar=VARIABLES["profile"],
        shell_complete=completing.profiles,
        help="Profile of the configuration.",
    )
    @click.option("-q", "--quiet", is_flag=True, help="Only findings and results.")
    @click.option("-v", "--verbose", is_flag=True, help="More words; a traceback where there is a bug.")
    @click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour the output.")
    @functools.wraps(function)
    def wrapper(*args: Any, quiet: bool, verbose: bool, color: str, **kwargs: Any) -> Any:
        return function(*args, terminal=Terminal(quiet, verbose, color), **kwargs)

    return wrapper


show_numbers_flag = click.option("--show-numbers", is_flag=True, help="Show phone numbers in full in the text.")
"""Adds ``--show-numbers``, given to the command as ``show_numbers``."""


def show_numbers_option(function: Function) -> Function:
    """Add ``--show-numbers``, given to the command with its ``terminal``; stands below :func:`common`."""

    @show_numbers_flag
    @functools.wraps(function)
    def wrapper(*args: Any, show_numbers: bool, terminal: Terminal, **kwargs: Any) -> Any:
        return function(*args, terminal=replace(terminal, show_numbers=show_numbers), **kwargs)

    return wrapper


def check_writable(path: Path, flag: str) -> None:
    """Find out early whether a file that was asked for can be written.

    Raises:
        UsageError: it cannot.
    """
    replaced = path.is_file() or not path.exists()
    target = path.resolve().parent if replaced else path
    if path.is_dir() or (replaced and not target.is_dir()) or not os.access(target, os.W_OK):
        raise UsageError(f"{flag} {path}: cannot be written. Nothing was sent.")


def paths_argument(*, required: bool = False) -> Callable[[Function], Function]:
    """Add PATHS: spec files or folders."""
    return click.argument(
        "paths",
        nargs=-1,
        required=required,
        type=click.Path(path_type=Path),
        shell_complete=completing.specs,
    )


def recipients_option(function: Function) -> Function:
    """Add ``--recipients FILE``."""
    decorated: Function = click.option(
        "--recipients",
        metavar="FILE",
        type=click.Path(path_type=Path, allow_dash=True),
        help="Recipients instead of the spec's own; - reads standard input.",
    )(function)
    return decorated


class SkipsInvalid(click.Command):
    """A command with ``--skip-invalid[=MAX]``: without ``=MAX``, what follows is no value of it but the next word."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Write out what a bare flag means, before click takes the next word for its value."""
        end = args.index("--") if "--" in args else len(args)
        bare = [f"{word}={EVERY}" if word == "--skip-invalid" else word for word in args[:end]]
        return super().parse_args(ctx, bare + args[end:])


EVERY = 10**12
"""For ``--skip-invalid`` without a number: more rows than there are."""


def skip_invalid_option(function: Function) -> Function:
    """Add ``--skip-invalid[=MAX]`` to a :class:`SkipsInvalid`: None, or how many rows may be left out at most."""
    decorated: Function = click.option(
        "--skip-invalid",
        metavar="[=MAX]",
        type=click.IntRange(min=0),
        help="Leave out rows that are wrong, at most MAX, and exit with 1.",
    )(function)
    return decorated


def var_option(function: Function) -> Function:
    """Add ``--var NAME=VALUE``, given to the command as a mapping."""
    decorated: Function = click.option(
        "--var", "variables", metavar="NAME=VALUE", multiple=True, callback=_variables, help="Set a var; repeatable."
    )(function)
    return decorated


def _variables(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    values = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals or not name.isidentifier():
            raise click.BadParameter(f"`{item}` is not NAME=VALUE, such as clinic=Elm")
        if not value.isprintable() and any("\ud800" <= character <= "\udfff" for character in value):
            raise click.BadParameter(f"the value of `{name}` is no UTF-8")
        values[name] = value
    return values
