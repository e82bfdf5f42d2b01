"""``msgspec-runner completion``."""

from __future__ import annotations

import click

from msgspec_runner.cli.options import Terminal, common

SHELLS = ("bash", "zsh", "fish")
"""Shells that are tried in the tests."""

VARIABLE = "_MSGSPEC_RUNNER_COMPLETE"
"""By this environment variable the script asks the program; click makes its name from the program's."""


@click.command("completion", short_help="Print what makes a shell complete commands and values.")
@click.argument("shell", type=click.Choice(SHELLS))
@common
def command(*, shell: str, profile: str | None, terminal: Terminal) -> int:
    """Print a script that makes a shell complete commands, options and values when you press Tab.

    Values are rules, faults, profiles, the project's specs, and runs of a ledger in a file. Put the line for your
    shell into ~/.bashrc, into ~/.zshrc below compinit, or into ~/.config/fish/config.fish.

    \b
    Examples:
      eval "$(msgspec-runner completion bash)"
      eval "$(msgspec-runner completion zsh)"
      msgspec-runner completion fish | source
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None, "click knows these shells"
    main = click.get_current_context().find_root().command
    click.echo(kind(main, {}, "msgspec-runner", VARIABLE).source(), nl=False)
    return 0
