"""The reference of the commands, from click: a command's own help is the home of every word."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click

from msgspec_runner.cli import COMMANDS, main
from msgspec_runner.settings import VARIABLES

README = Path(__file__).resolve().parents[2] / "README.md"

HEAD = """\
<!-- Generated from the commands' own help by `make docs`. -->

# Commands

What `msgspec-runner COMMAND --help` says, on one page. `PATHS` are spec files or folders. Every example is run by a test.
"""

COMMON = ("profile", "quiet", "verbose", "color")
"""Options that every command has; told once."""

ENVIRONMENT = {
    ("--ledger", "PLACE"): VARIABLES["ledger"],
    ("--base-url", "URL"): VARIABLES["base-url"],
    ("--select", "CODES"): VARIABLES["select"],
    ("--ignore", "CODES"): VARIABLES["ignore"],
    ("--fail-level", ""): VARIABLES["fail-level"],
    ("--api-key-file", "FILE"): "SOCIOCS_API_KEY",
}
"""Variables that stand in for an option and that click does not know of, by the option and what it takes."""

_EXAMPLES = re.compile(r"^\s*Examples?:\n((?:\s+.*\n?)+)\Z", re.MULTILINE)


def command_reference() -> str:
    """Return the page."""
    return HEAD + "".join(_contents()) + "".join(_sections()) + _exit_codes()


def _contents() -> Iterator[str]:
    yield "\n| command | what it does |\n| --- | --- |\n"
    for name, about in COMMANDS.items():
        yield f"| [`{name}`](#{name}) | {about.summary} |\n"


def _sections() -> Iterator[str]:
    yield "\n## Options of every command\n\n"
    yield from _options([option for option in _command("schema").params if option.name in COMMON])
    yield "| `-h, --help` | Show the help of the command. |\n"
    yield "\nWhat else the environment and the project set: [configuration.md](configuration.md).\n"
    section = ""
    for name, about in COMMANDS.items():
        if about.section != section:
            section = about.section
            yield f"\n## {section}\n"
        yield from _command_section(_command(name), name, level=3)


def _command(name: str) -> click.Command:
    command = main.get_command(click.Context(main), name) if isinstance(main, click.Group) else None
    assert command is not None, name
    return command


def _command_section(command: click.Command, path: str, *, level: int) -> Iterator[str]:
    context = click.Context(command, info_name=f"msgspec-runner {path}")
    words, examples = _help(command)
    yield f"\n{'#' * level} {path}\n\n"
    yield f"```text\nmsgspec-runner {path} {' '.join(command.collect_usage_pieces(context))}\n```\n\n{words}\n"
    yield f"\n```sh\n{examples}\n```\n"
    own = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    own = [option for option in own if option.name not in COMMON]
    if own:
        yield "\n"
        yield from _options(own)
    if command.epilog:
        yield f"\n```text\n{inspect.cleandoc(command.epilog.replace(chr(8), ''))}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            part = command.get_command(context, name)
            assert part is not None
            yield from _command_section(part, f"{path} {name}", level=level + 1)


def _help(command: click.Command) -> tuple[str, str]:
    """Return what a command says of itself, as Markdown, and its examples."""
    text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    found = _EXAMPLES.search(text)
    assert found is not None, f"{command.name} has no examples"
    return _markdown(text[: found.start()].strip()), inspect.cleandoc("\n" + found[1])


def _options(options: list[click.Parameter] | list[click.Option]) -> Iterator[str]:
    yield "| option | what it does |\n| --- | --- |\n"
    for option in options:
        assert isinstance(option, click.Option)
        names = ", ".join(option.opts)
        takes = "" if option.is_flag else _takes(option)
        yield f"| {_code(f'{names}{takes}')} | {_about(option)} |\n"


def _takes(option: click.Option) -> str:
    if option.metavar:
        return option.metavar if option.metavar.startswith("[=") else f" {option.metavar}"
    if isinstance(option.type, click.Choice):
        return f" {'|'.join(option.type.choices)}"
    return f" {option.make_metavar(click.Context(main))}"


def _about(option: click.Option) -> str:
    words = _markdown(option.help or "")
    parts = [words if words.endswith((".", "…")) else f"{words}."]
    if isinstance(option.type, click.IntRange | click.FloatRange):
        parts.append(_range(option.type))
    # The type of a default that is not shown is the option's own business, such as false for a flag.
    if option.show_default and option.default is not None:
        parts.append(f"Default: {option.default}.")
    variable = option.envvar or ENVIRONMENT.get((option.opts[-1], option.metavar or ""))
    if variable:
        parts.append(f"Environment: `{variable}`.")
    return " ".join(part for part in parts if part).replace("|", "\\|")


def _range(kind: click.IntRange | click.FloatRange) -> str:
    if kind.max is None:
        return f"At least {kind.min}." if kind.min else ""
    least = f"more than {kind.min}" if kind.min_open else f"{kind.min}"
    return f"From {least} to {kind.max}."


def _code(text: str) -> str:
    escaped = text.replace("|", "\\|")
    return f"`{escaped}`"


def _markdown(text: str) -> str:
    """Return a help's words with its options and its JSON as code; what is code already stays."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"(?<![\w-])(--[a-z]+(?:-[a-z]+)*|\{[^}\n]*\})", r"`\1`", words) for words in parts[::2]]
    return "`".join(parts)


def _exit_codes() -> str:
    """Return the README's section, which is their home."""
    found = re.search(r"^## Exit codes\n.*?(?=^## )", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    return f"\n{found[0].strip()}\n\nWhere several hold: 70, 130, 5, 3, 1.\n"
