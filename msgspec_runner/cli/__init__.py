"""The command line: parse, wire, print, exit code. One file a command; nothing is decided here.

Commands are imported when they are called: ``--help`` and ``lint`` never wait for aiohttp.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import click

from msgspec_runner._version import __version__
from msgspec_runner.cli import plainly
from msgspec_runner.errors import BUG, INTERRUPTED, RunnerError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class _Command(NamedTuple):
    section: str
    summary: str


COMMANDS = {
    "init": _Command("Write", "Make a project that lints clean and sends to the sandbox."),
    "lint": _Command("Write", "Find what is wrong with specs, for every recipient."),
    "rule": _Command("Write", "Explain one rule, or list all."),
    "render": _Command("Write", "Print the exact JSON bodies, one a line."),
    "preview": _Command("Write", "Make a page that shows messages as phones do."),
    "catalog": _Command("Write", "Keep the list of approved WhatsApp templates."),
    "schema": _Command("Write", "Print the JSON Schema of a spec."),
    "plan": _Command("Send", "Show what `send` would do, against the ledger."),
    "send": _Command("Send", "Lint, plan, confirm, and send each message once."),
    "status": _Command("Afterwards", "Show runs, or one run's messages."),
    "report": _Command("Afterwards", "Show how a run went: HTML, Markdown, JUnit or CSV."),
    "retry": _Command("Afterwards", "Send again what was rejected or released."),
    "reconcile": _Command("Afterwards", "Settle messages in doubt by asking the API."),
    "cancel": _Command("Afterwards", "Take back what is still scheduled."),
    "sandbox": _Command("Operate", "Run a local server that speaks the Sociocs API."),
    "worker": _Command("Operate", "Carry out runs that are shared between machines."),
    "cluster": _Command("Operate", "Steer a run that workers carry out."),
    "chaos": _Command("Operate", "Prove that a crash loses nobody and texts nobody twice."),
    "ledger": _Command("Operate", "Look after the ledger of what was sent."),
    "lsp": _Command("Operate", "Serve an editor: findings, completion, hovers as you type."),
    "completion": _Command("Operate", "Make a shell complete commands and values."),
}
"""Every command by name; its file in this folder has the same name. The help's texts live here."""


class _NobodyReads(Exception):  # noqa: N818 - says what happened to standard output; not an error of the program
    """Whoever read our output has seen enough, as ``head`` does."""


class _Commands(click.Group):
    """A group that imports a command's file when it is needed, and lists commands in sections."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"msgspec_runner.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"; did you mean `{close[0]}`?" if close else "; see `msgspec-runner --help`"
            raise click.UsageError(f"no command `{args[0]}`{hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would make exit code 1 of it, which means findings
            raise _NobodyReads from None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Offer commands without importing them, which click's own would."""
        from click.shell_completion import CompletionItem

        found = [(name, command) for name, command in COMMANDS.items() if name.startswith(incomplete)]
        names = [CompletionItem(name, help=command.summary) for name, command in found]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, command in COMMANDS.items():
            sections.setdefault(command.section, []).append((name, command.summary))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows, col_max=12)


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", prog_name="msgspec-runner")
def main() -> None:
    """Reviewed SMS and WhatsApp messages: YAML specs in git, linted for every recipient, sent once.

    \b
    Example:
      msgspec-runner init hello
      cd hello
      msgspec-runner lint
      msgspec-runner send specs --sandbox --yes
    """


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code (contract, section 2). Never lets a traceback out.

    Args:
        arguments: without the program's name.
    """
    _open_closed_streams()
    plainly.register()
    for stream, errors in ((sys.stdout, "backslashreplace"), (sys.stderr, plainly.NAME)):
        # A message may hold any character; a terminal that cannot show one must not end the program.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=errors)
    try:
        code = main(list(arguments), prog_name="msgspec-runner", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.ClickException as error:
        _complain(_usage_message(error))
        return 2
    except RunnerError as error:
        _complain(str(error))
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        _complain("interrupted")
        return INTERRUPTED
    except (_NobodyReads, BrokenPipeError):
        from msgspec_runner.cli.options import discard

        discard(sys.stdout)
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _complain(f"{where}{error.strerror or error}")
        return 2
    except Exception as error:  # noqa: BLE001 - the last line of defence: exit 70, never a traceback
        return _bug(error, verbose="--verbose" in arguments or "-v" in arguments)
    return code if isinstance(code, int) else 0


def _open_closed_streams() -> None:
    """Give a process that was started without standard output (``>&-``) one that leads nowhere."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - for the life of the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123


def _usage_message(error: click.ClickException) -> str:
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"{error.format_message()}\nTry `{error.ctx.command_path} --help`."
    return error.format_message()


def _complain(message: str) -> None:
    from msgspec_runner.reports.text import printable

    first, *rest = message.split("\n")
    with suppress(OSError):  # nobody reads it: the exit code still says it
        click.echo(f"{click.style('error', fg='red', bold=True)}: {printable(first)}", err=True)
        for line in rest:
            click.echo(printable(line), err=True)


def _bug(error: Exception, *, verbose: bool) -> int:
    if verbose:
        import traceback

        traceback.print_exception(error)
    hint = "" if verbose else " Run again with --verbose for the place, and report it."
    _complain(f"a bug in msgspec-runner: {type(error).__name__}.{hint}")
    return BUG
