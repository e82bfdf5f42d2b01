"""``msgspec-runner init``."""

from __future__ import annotations

import os
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from msgspec_runner._version import __version__
from msgspec_runner.cli.options import Terminal, common
from msgspec_runner.config import CONFIG_FILE, is_spec_name, load_config
from msgspec_runner.errors import UsageError

STARTER = Path(__file__).resolve().parent.parent / "starter"
"""The files of a new project, as they are written but for :data:`STAND_INS`."""

EXAMPLES = (
    CONFIG_FILE,
    "specs/welcome.yaml",
    "specs/appointment-reminder.yaml",
    "specs/order-shipped.yaml",
    "recipients/members.csv",
    "recipients/appointments.csv",
)
"""Written into a new project only: they need each other, and would stand in the way of a project's own."""

SURROUNDINGS = (".pre-commit-config.yaml", ".github/workflows/messages.yml", ".gitignore")
"""Written wherever they are missing. In the package they have no leading dot: git and others would obey them there."""

STAND_INS: dict[str, timedelta | str] = {"2031-03-10": timedelta(days=7), "0.0.0": __version__}
"""What a starter file says, and what is written: so many days from today, or this text."""


@click.command("init", short_help="Make a project that lints clean and sends to the sandbox.")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
@common
def command(*, folder: Path, profile: str | None, terminal: Terminal) -> int:
    """Make a project that lints clean and sends to the sandbox.

    Specs, invented recipients, configuration, pre-commit hooks and a CI workflow. DIR is made where it does not
    exist; without it, the project is made here. A file that exists is never changed.

    \b
    Example:
      msgspec-runner init hello
    """
    fresh = _is_new(folder)
    for name in (*EXAMPLES, *SURROUNDINGS) if fresh else SURROUNDINGS:
        target = folder / name
        if _write(target, STARTER / name.removeprefix(".")):
            click.echo(f"wrote       {target}")
        else:
            click.echo(f"left alone  {target}{_advice(target)}")
    if not fresh:
        click.echo("no examples: there are specs or a configuration already")
    for line in _next_steps(folder):
        terminal.note(line)
    return 0


def _is_new(folder: Path) -> bool:
    """Say whether a project has neither a configuration nor a spec of its own."""
    specs = folder / "specs"
    return load_config(folder).file is None and not any(
        is_spec_name(name) for _, _, names in os.walk(specs) for name in names
    )


def _write(target: Path, source: Path) -> bool:
    """Write a starter file; return False where something of its name exists.

    Raises:
        UsageError: the file or its folder cannot be written.
    """
    text = source.read_text(encoding="utf-8")
    for stand_in, value in STAND_INS.items():
        meant = value if isinstance(value, str) else (datetime.now(UTC) + value).date().isoformat()
        text = text.replace(stand_in, meant)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # "x": the one way to look and write that nobody can come between; a dangling symlink counts as there.
        with target.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        if not os.path.lexists(target):
            raise UsageError(f"{target.parent}: is a file where a folder is needed") from None
        return False
    except OSError as error:
        raise UsageError(f"{target}: cannot be written: {error.strerror}") from error
    return True


def _advice(target: Path) -> str:
    if target.name != ".gitignore" or not target.is_file() or b".msgspec-runner" in target.read_bytes():
        return ""
    return ": add the line .msgspec-runner/ to it"


def _next_steps(folder: Path) -> list[str]:
    here = folder.resolve()
    lines = ["", "next:"]
    if here != Path.cwd():
        lines.append(f"  cd {shlex.quote(str(folder))}")
    lines += ["  msgspec-runner lint", "  msgspec-runner send specs --sandbox"]
    if (here / ".git").exists():
        return [*lines, "  pre-commit install"]
    above = next((parent for parent in here.parents if (parent / ".git").exists()), None)
    if above is not None:
        return [*lines, f"git looks in {above} only: move .pre-commit-config.yaml and .github/ there"]
    return [*lines, "  git init", "  pre-commit install"]
