"""``msgspec-runner catalog``."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from msgspec_runner.cli.options import Terminal, common
from msgspec_runner.config import CONFIG_FILE, Config
from msgspec_runner.errors import ConfigError, UsageError
from msgspec_runner.project import configure, shown, standard_input
from msgspec_runner.providers.catalog_files import catalog_files
from msgspec_runner.providers.catalog_shapes import Catalog, read_catalog
from msgspec_runner.providers.catalog_source import MAX_JSON
from msgspec_runner.providers.catalog_writing import FIELDS, Change, Update, updated, written
from msgspec_runner.reports.text import count, printable

FOLDER = "catalogs"
"""Where a catalog is written unless ``-o`` says otherwise, in the project's root."""

_SHOWN_VALUES = ("name", "language", "category", "status")
"""Fields whose old and new value are shown where they change; of the others, that they did."""


@click.group("catalog", short_help="Keep the list of approved WhatsApp templates.")
def command() -> None:
    """Keep the list of approved WhatsApp templates, so that lint knows which exist and what they need.

    \b
    Example:
      msgspec-runner catalog import templates.json
    """


@command.command("import", short_help="Make or update a catalog from a provider's list.")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=f"The catalog to write. Default: {FOLDER}/PROVIDER.yaml",
)
@common
def import_(*, file: Path, output: Path | None, profile: str | None, terminal: Terminal) -> int:
    """Turn a provider's saved list of templates into a catalog, or bring a catalog up to date with it.

    FILE is Twilio's answer of /v1/ContentAndApprovals or Gupshup's list, JSON or YAML; - reads standard input. Comments
    and the order of an existing catalog stay.

    \b
    Examples:
      msgspec-runner catalog import templates.json
      msgspec-runner catalog import - -o catalogs/clinic.yaml < templates.json
    """
    config = configure((), profile)
    listed = _read(file)
    if not listed.templates:
        raise UsageError(f"{_name(file)}: there are no templates in it; nothing was written")
    target = output or _default(config, listed.provider)
    before = target.read_bytes() if target.exists() else None
    update = written(listed) if before is None else updated(shown(target), before, listed)
    after = update.text.encode()
    if after != before:
        _write(target, after)
    for line in _report(update, listed, shown(target)):
        click.echo(printable(line))
    hint = _hint(config, target)
    if hint:
        terminal.note(hint)
    return 0


def _read(file: Path) -> Catalog:
    if str(file) == "-":
        data = standard_input().read(MAX_JSON + 1)
    elif file.is_file():
        with file.open("rb") as stream:
            data = stream.read(MAX_JSON + 1)
    else:
        raise UsageError(f"no file {file}")
    return read_catalog(_name(file), data)


def _name(file: Path) -> str:
    return "<stdin>" if str(file) == "-" else shown(file)


def _default(config: Config, provider: str) -> Path:
    target = config.root / FOLDER / f"{provider}.yaml"
    if not target.resolve().is_relative_to(config.root.resolve()):
        raise UsageError(f"{shown(target)} leads out of the project: name the file with -o")
    return target


def _write(target: Path, data: bytes) -> None:
    """Put the file in its place in one step; of a link, in the place of what it leads to."""
    import tempfile

    real = Path(os.path.realpath(target))
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        mode = real.stat().st_mode & 0o7777 if real.exists() else 0o666 & ~_umask()
        with tempfile.NamedTemporaryFile(dir=real.parent, prefix=".msgspec-runner-", delete=False) as spool:
            try:
                spool.write(data)
                spool.close()
                Path(spool.name).chmod(mode)
                Path(spool.name).replace(real)
            except BaseException:
                Path(spool.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise UsageError(f"{shown(target)} cannot be written: {error.strerror}") from error


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _report(update: Update, listed: Catalog, name: str) -> Iterator[str]:
    numbers = Counter(change.kind for change in update.changes)
    words = [f"{numbers[kind]:,} {kind}" for kind in ("added", "changed", "removed") if numbers[kind]]
    total = count(len(listed.templates), "template")
    yield f"{name}: {', '.join(words) or 'nothing changed'}; {total} of {listed.provider}"
    for change in update.changes:
        yield f"  {change.kind:<8} {_title(change)}{_differences(change)}"


def _title(change: Change) -> str:
    template = change.template
    language = f" ({template.language})" if template.language else ""
    return f"{template.name}{language} {template.id}".strip()


def _differences(change: Change) -> str:
    """Say what is new about a template; of a new one, that it is not approved."""
    before, after = change.before, change.template
    if before is None:
        return f": {after.status}" if change.kind == "added" and after.status not in {"", "approved"} else ""
    words = []
    for field in FIELDS:
        old, new = getattr(before, field), getattr(after, field)
        if old != new:
            words.append(f"{field} {old or 'not known'} → {new or 'not known'}" if field in _SHOWN_VALUES else field)
    return f": {', '.join(words)}"


def _hint(config: Config, target: Path) -> str:
    """Say what to write into the configuration where it does not name the catalog yet."""
    real, root = target.resolve(), config.root.resolve()
    if not real.is_relative_to(root):
        return f"lint reads catalogs of the project only: move {shown(target)} below {config.root}"
    try:
        if real in {path.resolve() for path in catalog_files(config.root, config.catalogs)}:
            return ""
    except ConfigError:  # another one is missing; lint says so
        pass
    names = ", ".join(f'"{name}"' for name in (*config.catalogs, real.relative_to(root).as_posix()))
    file = config.file.name if config.file is not None else CONFIG_FILE
    place = "above the first [table]" if file == CONFIG_FILE else "right below [tool.msgspec-runner]"
    return f"for lint to read it, write into {file}, {place}: catalogs = [{names}]"
