"""``msgspec-runner lsp``."""

from __future__ import annotations

import logging
import sys

import click

from msgspec_runner.cli.options import Terminal, common
from msgspec_runner.errors import UsageError


@click.command("lsp", short_help="Serve an editor: findings, completion, hovers as you type.")
@common
def command(*, profile: str | None, terminal: Terminal) -> int:
    """Serve an editor through standard input and output: findings, completion, hovers, repairs as you type.

    An editor starts this, people do not: docs/editors.md shows how to set one up. It speaks the Language Server
    Protocol, reads files of the project, and uses no network. What goes wrong is logged to standard error. --profile
    is for editors without settings of their own.

    \b
    Example:
      msgspec-runner lsp < /dev/null
    """
    try:
        import pygls  # noqa: F401 - the extra
    except ModuleNotFoundError:
        raise UsageError("an editor's server needs pygls: pip install 'msgspec-runner[lsp]'") from None
    from msgspec_runner.editor.server import serve

    logging.basicConfig(stream=sys.stderr, level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    if terminal.verbose:  # not pygls: it would log every text
        logging.getLogger("msgspec_runner").setLevel(logging.INFO)
    if sys.stdin is not None and sys.stdin.isatty():
        terminal.note("an editor starts this, and speaks to it; see docs/editors.md. Ctrl-C ends it")
    return serve(profile or "")
