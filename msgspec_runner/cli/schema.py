"""``msgspec-runner schema``."""

from __future__ import annotations

import click

from msgspec_runner.cli.options import Terminal, common
from msgspec_runner.source.schema import schema_path


@click.command("schema", short_help="Print the JSON Schema of a spec.")
@common
def command(*, profile: str | None, terminal: Terminal) -> int:
    """Print the JSON Schema of a spec, for editors and other tools.

    \b
    Example:
      msgspec-runner schema > spec.schema.json
    """
    click.echo(schema_path("spec").read_text(encoding="utf-8"), nl=False)
    return 0
