"""The project's configuration: ``[tool.msgspec-runner]`` in pyproject.toml, or msgspec-runner.toml.

Precedence (contract, section 1): flag, environment, profile, config, default. Flags and environment are the
command line's business; this module reads the file, checks it, and lays a profile over it.

What would let a pull request hurt somebody is no key here: neither the base URL nor the API key.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from msgspec_runner.diagnostics import Severity
from msgspec_runner.errors import ConfigError

CONFIG_FILE = "msgspec-runner.toml"
"""The configuration's own file; it wins over pyproject.toml in the same folder."""

MAX_BYTES = 1024 * 1024
"""The largest file that is read: a thousand times a usual one. It may come from a pull request, as specs do."""
MAX_PROFILES = 50
"""Each spec is linted under every one of them."""
MAX_VARS = 2_000
"""Each recipient's values are laid over them."""
MAX_TIMEOUT = 3600
"""Seconds that one request may take at most: an hour is long beyond any use."""


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

    def with_profile(self, name: str) -> Config:
        """Return the configuration with a profile laid over it; the profile's ``vars`` are merged key by key.

        Raises:
            ConfigError: there is no such profile, or it holds a wrong value.
        """
        if name not in self.profiles:
            known = ", ".join(self.profiles) or "none are configured"
            prefix = "" if self.file is not None and self.file.name == CONFIG_FILE else "tool.msgspec-runner."
            raise ConfigError(f"no profile `{name}`; profiles: {known}. Add [{prefix}profiles.{name}]")
        values = _read_keys(self.profiles[name], f"profiles.{name}")
        values["vars"] = {**self.vars, **values.get("vars", {})}
        return replace(self, **values, profile=name)


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
    """Read the configuration in ``root``; all defaults where there is none.

    Raises:
        ConfigError: the file is no TOML, or has an unknown key or a wrong value.
    """
    own, pyproject = root / CONFIG_FILE, root / "pyproject.toml"
    if own.is_file():
        return Config(root=root, file=own, **_read_keys(_toml(own), CONFIG_FILE))
    table = _pyproject_table(pyproject)
    if table is None:
        return Config(root=root)
    return Config(root=root, file=pyproject, **_read_keys(table, "[tool.msgspec-runner]"))


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


_KEYS = {
    item.name.replace("_", "-"): item.name for item in fields(Config) if item.name not in {"root", "file", "profile"}
}


def _read_keys(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _KEYS:
            from difflib import get_close_matches

            close = get_close_matches(key, _KEYS, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"known keys: {', '.join(sorted(_KEYS))}"
            if key in {"base-url", "base_url", "api-key", "api_key"}:
                hint = "a pull request must not redirect the key: use the flag or the environment"
            raise ConfigError(f"{where}: unknown key `{key}`; {hint}")
        values[_KEYS[key]] = _value(key, value, where)
    return values


def _value(key: str, value: Any, where: str) -> Any:
    def wrong(expected: str) -> ConfigError:
        return ConfigError(f"{where}: `{key}` must be {expected}")

    match key:
        case "specs" | "exclude" | "select" | "ignore" | "catalogs" | "suppressions":
            items = [value] if isinstance(value, str) else value
            if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
                raise wrong('a list of strings, such as ["…"]')
            return tuple(items)
        case "severity":
            if not isinstance(value, dict):
                raise wrong('a table, such as {MSG106 = "error"}')
            return {code: _severity(level, f"{where}: severity.{code}") for code, level in value.items()}
        case "per-file-ignores":
            if not isinstance(value, dict) or not all(isinstance(codes, list) for codes in value.values()):
                raise wrong('a table of lists, such as {"specs/old/*" = ["MSG106"]}')
            return {pattern: tuple(map(str, codes)) for pattern, codes in value.items()}
        case "fail-level":
            return _severity(value, f"{where}: fail-level")
        case "vars":
            if not isinstance(value, dict):
                raise wrong("a table of values")
            if len(value) > MAX_VARS:
                raise wrong(f"at most {MAX_VARS:,} values; put a list of recipients into a file")
            _refuse_misplaced(value, where)
            return dict(value)
        case "profiles":
            if not isinstance(value, dict) or not all(isinstance(profile, dict) for profile in value.values()):
                raise wrong("a table of tables")
            if len(value) > MAX_PROFILES:
                raise wrong(f"at most {MAX_PROFILES} profiles: each spec is linted under every one of them")
            return value
        case "concurrency":
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 1000:
                raise wrong("a whole number from 1 to 1000")
            return value
        case "timeout":
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= MAX_TIMEOUT:
                raise wrong(f"a number of seconds above 0, at most {MAX_TIMEOUT}")
            return float(value)
        case "server-errors":
            if value not in ("in-doubt", "retry"):  # no set: a list cannot be looked up in one
                raise wrong('"in-doubt" or "retry"')
            return value
        case _:
            if not isinstance(value, str) or not value:
                raise wrong("a string")
            return value


_LISTS = frozenset({"specs", "exclude", "select", "ignore", "catalogs", "suppressions"})
_TABLES = frozenset({"severity", "per-file-ignores", "profiles"})


def _refuse_misplaced(values: Mapping[str, Any], where: str) -> None:
    """Refuse a setting among the vars: what is written below ``[vars]`` in TOML is a var, and would set nothing.

    Only what looks like the setting is one: ``rate`` or ``timezone`` may well be a value for templates.
    """
    for key, value in values.items():
        if (
            (key in _LISTS and isinstance(value, list) and all(isinstance(item, str) for item in value))
            or (key in _TABLES and isinstance(value, dict))
            or (key == "fail-level" and isinstance(value, str))
            or (key == "ledger" and isinstance(value, str) and value.endswith(".db"))
        ):
            place = "above the first [table]" if where == CONFIG_FILE else "above its vars"
            raise ConfigError(
                f"{where}: `{key}` stands among the vars, where it sets nothing: move it {place}. "
                "A value for templates needs another name"
            )


def _severity(value: Any, where: str) -> Severity:
    try:
        return Severity(value)
    except ValueError:
        raise ConfigError(f"{where} must be one of error, warning, info") from None
