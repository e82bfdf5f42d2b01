"""``msgspec-runner schema``."""

from __future__ import annotations

import click

from msgspec_runner.cli.options import Terminal, common
from msgspec_runner.source.schema import schema_path


@click.command("schema", short_help="Print the JSON Schema of a spec.")
@click.argument("name", type=click.Choice(["spec", "catalog"]), default="spec")
@common
def command(*, name: str, profile: str | None, terminal: Terminal) -> int:
    """Print the JSON Schema of a spec, or of a template catalog, for editors and other tools.

    \b
    Examples:
      msgspec-runner schema > spec.schema.json
      msgspec-runner schema catalog > catalog.schema.json
    """
    click.echo(schema_path(name).read_text(encoding="utf-8"), nl=False)
    return 0
