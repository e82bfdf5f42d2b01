"""The project's configuration: ``[tool.msgspec-runner]`` in pyproject.toml, or msgspec-runner.toml.

Precedence (contract, section 1): flag, environment, profile, config, default. Flags are the command line's business;
this module reads the file, checks it, and lays a profile over it, and over both what the environment sets.

What would let a pull request hurt somebody is no key here: neither the base URL nor the API key.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from msgspec_runner.diagnostics import Severity
from msgspec_runner.errors import ConfigError
from msgspec_runner.settings import CONFIG_FILE, MAX_TIMEOUT, is_spec_name, read_environment, read_settings

__all__ = ["CONFIG_FILE", "MAX_TIMEOUT", "Config", "find_root", "is_spec_name", "load_config", "project_root"]

MAX_BYTES = 1024 * 1024
"""The largest file that is read: a thousand times a usual one. It may come from a pull request, as specs do."""


@dataclass(frozen=True, slots=True)
class Config:
    """What the configuration says, defaults filled in.

    Attributes:
        root: the project's root; nothing outside it is read for a spec.
        file: the file that it came from; None where there is none.
        specs: folders or files that commands without PATHS take, relative to the root.
        exclude: glob patterns of specs to leave out, relative to the root.
        select: codes or prefixes of rules to run; empty means those that are on by default.
        ignore: codes or prefixes of rules not to run.
        severity: code to severity, over the rule's own.
        per_file_ignores: glob pattern to codes.
        fail_level: findings of this severity or worse make exit code 1.
        catalogs: template catalog files, relative to the root.
        vars: values for every template.
        locale: for the filters; None where not configured.
        timezone: for the filters; None where not configured.
        ledger: path (relative to the root) or URL; None for the default.
        rate: most messages per time, such as ``20/s``; None for no limit.
        concurrency: most requests under way at once.
        timeout: seconds that one request may take.
        server_errors: ``in-doubt``, or ``retry`` for who trusts the API's "try again later".
        suppressions: files of numbers that are never texted.
        profiles: name to any of these keys again, as written.
        profile: the profile that was laid over; empty for none.
        environment: what the environment sets, by these names; it is laid over every profile.
    """

    root: Path
    file: Path | None = None
    specs: tuple[str, ...] = ("specs/",)
    exclude: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, Severity] = field(default_factory=dict)
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fail_level: Severity = Severity.ERROR
    catalogs: tuple[str, ...] = ()
    vars: Mapping[str, object] = field(default_factory=dict)
    locale: str | None = None
    timezone: str | None = None
    ledger: str | None = None
    rate: str | None = None
    concurrency: int = 20
    timeout: float = 30.0
    server_errors: str = "in-doubt"
    suppressions: tuple[str, ...] = ()
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    profile: str = ""
    environment: Mapping[str, Any] = field(default_factory=dict)

    def with_profile(self, name: str) -> Config:
        """Return the configuration with a profile laid over it; the profile's ``vars`` are merged key by key.

        Raises:
            ConfigError: there is no such profile, or it holds a wrong value.
        """
        if name not in self.profiles:
            known = ", ".join(self.profiles) or "none are configured"
            prefix = "" if self.file is not None and self.file.name == CONFIG_FILE else "tool.msgspec-runner."
            raise ConfigError(f"no profile `{name}`; profiles: {known}. Add [{prefix}profiles.{name}]")
        file = f"{self.file.name}: " if self.file is not None else ""
        values = read_settings(self.profiles[name], f"{file}profiles.{name}")
        values["vars"] = {**self.vars, **values.get("vars", {})}
        config = _under(replace(self, **values, profile=name), self.environment)
        _check_places(config)
        return config

    @property
    def where(self) -> str:
        """The file, and the table in it, for people."""
        name = self.file.name if self.file is not None else CONFIG_FILE
        return name if name == CONFIG_FILE else f"{name}: [tool.msgspec-runner]"


def find_root(start: Path) -> Path | None:
    """Return the nearest folder from ``start`` upwards with a configuration, or else with a ``.git``; else None."""
    git = None
    for folder in (start, *start.parents):
        if (folder / CONFIG_FILE).is_file() or _pyproject_table(folder / "pyproject.toml") is not None:
            return folder
        if git is None and (folder / ".git").exists():
            git = folder
    return git


def project_root(cwd: Path, paths: tuple[Path, ...] = ()) -> Path:
    """Return the project's root for a command run in ``cwd`` on ``paths``.

    The paths decide where they lie outside of the working folder's project. Without any configuration or git
    above, the folder that holds ``specs/`` is the root, or else the working folder.
    """
    # A link belongs to the project that it lies in, wherever it leads.
    target = Path(os.path.abspath(paths[0])) if paths else cwd.resolve()  # noqa: PTH100
    folder = target if os.path.isdir(target) else target.parent  # noqa: PTH112 - is_dir() raises for a long name
    found = find_root(folder)
    if found is not None:
        return found
    if folder.is_relative_to(cwd.resolve()):
        return cwd.resolve()
    for parent in (folder, *folder.parents):
        if parent.name == "specs":
            return parent.parent
    return folder


def load_config(root: Path) -> Config:
    """Read the configuration in ``root``, defaults where there is none, and what the environment sets.

    Raises:
        ConfigError: the file is no TOML, or has an unknown key or a wrong value, or a variable has one.
    """
    own, pyproject = root / CONFIG_FILE, root / "pyproject.toml"
    if own.is_file():
        config = Config(root=root, file=own, **read_settings(_toml(own), CONFIG_FILE))
    elif (table := _pyproject_table(pyproject)) is not None:
        config = Config(root=root, file=pyproject, **read_settings(table, "pyproject.toml: [tool.msgspec-runner]"))
    else:
        config = Config(root=root)
    config = _under(config, read_environment(os.environ))
    _check_places(config)
    return config


def _under(config: Config, environment: Mapping[str, Any]) -> Config:
    """Lay over a configuration what the environment sets; what it ignores is ignored beside the rest, as by a flag."""
    if not environment:
        return config
    ignore = tuple(dict.fromkeys((*config.ignore, *environment.get("ignore", ()))))
    return replace(config, **{**environment, "ignore": ignore}, environment=environment)


def _check_places(config: Config) -> None:
    """Refuse specs and lists of numbers outside the project: nothing there is read (contract, section 5).

    Raises:
        ConfigError: it names the place, and what to write.
    """
    for key, places in (("specs", config.specs), ("suppressions", config.suppressions)):
        for place in places:
            said = f'{config.where}: `{key}` names "{place}"'
            try:
                inside = Path(os.path.realpath(config.root / place)).is_relative_to(os.path.realpath(config.root))
                exists = os.path.exists(config.root / place)  # noqa: PTH110 - exists() raises for a long name
            except (OSError, ValueError):  # too long, or a NUL
                raise ConfigError(f"{said}, which can be no path") from None
            if not inside:
                raise ConfigError(f"{said}, outside the project: nothing there is read. {_PLACES[key]}")
            if not exists and set("*?[") & set(place):
                raise ConfigError(f"{said}: a pattern is no place here. {_PLACES[key]}")


_PLACES = {
    "specs": 'Write a folder or a file, such as "specs/"; `exclude` takes patterns',
    "suppressions": 'Write a file of the project, such as "recipients/never.txt"',
}


def _toml(path: Path) -> dict[str, Any]:
    import tomllib  # 3 ms that a project without configuration need not wait

    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(
                f"{path.name}: larger than {MAX_BYTES // 1024} KiB; move what is not configuration out of it"
            )
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ConfigError(f"{path.name}: nested too deeply") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name}: not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path.name}: cannot be read: {error.strerror}") from error


def _pyproject_table(path: Path) -> Mapping[str, Any] | None:
    # A parse of every pyproject.toml above costs more than a look for the table's name.
    if not path.is_file() or b"msgspec-runner" not in path.read_bytes():
        return None
    tools = _toml(path).get("tool")
    table = tools.get("msgspec-runner") if isinstance(tools, dict) else None
    return table if isinstance(table, dict) else None
