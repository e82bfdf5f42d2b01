"""What each setting of the configuration may hold, and what to write instead of what it may not.

A value is checked as soon as it is read, whichever command reads it: a rate that is none would else be found by the one
command that sends, in the night.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from posixpath import normpath
from typing import Any, Final

from msgspec_runner.diagnostics import Severity
from msgspec_runner.errors import ConfigError, UsageError

CONFIG_FILE: Final = "msgspec-runner.toml"
"""The configuration's own file; it wins over pyproject.toml in the same folder."""

SPEC_SUFFIXES: Final = (".yaml", ".yml")
"""Every file whose name ends so below a spec folder is a spec (contract, section 2); case does not matter."""

MAX_PROFILES: Final = 50
"""Each spec is linted under every one of them."""
MAX_VARS: Final = 2_000
"""Each recipient's values are laid over them."""
MAX_TIMEOUT: Final = 3600
"""Seconds that one request may take at most: an hour is long beyond any use."""

SETTINGS: Final = (
    "specs", "exclude", "select", "ignore", "severity", "per-file-ignores", "fail-level", "catalogs", "vars", "locale",
    "timezone", "ledger", "rate", "concurrency", "timeout", "server-errors", "suppressions", "profiles",
)  # fmt: skip
"""The names of all settings, as they are written in the file."""

VARIABLES: Final = {
    setting: f"MSGSPEC_RUNNER_{setting.upper().replace('-', '_')}"
    for setting in (
        "base-url", "ledger", "profile", "timeout", "rate", "concurrency", "fail-level", "select", "ignore", "locale",
        "timezone", "server-errors",
    )
}  # fmt: skip
"""Variables of the environment that stand in for a setting, or for a flag that no file of the project may set."""

OF_THE_CONFIGURATION: Final = ("fail-level", "select", "ignore", "locale", "timezone", "server-errors")
"""Those of :data:`VARIABLES` that are laid over the configuration when it is read; the others are options' own."""


def is_spec_name(name: str) -> bool:
    """Say whether a file is a spec if it lies below a spec folder."""
    return name.lower().endswith(SPEC_SUFFIXES)


def read_settings(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return checked values by the names that :class:`~msgspec_runner.config.Config` has for them.

    Args:
        table: as the file has it.
        where: the file, and the table in it, for people.

    Raises:
        ConfigError: there is no such setting, or its value is wrong.
    """
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in SETTINGS:
            from difflib import get_close_matches

            close = get_close_matches(key, SETTINGS, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"known keys: {', '.join(sorted(SETTINGS))}"
            if key in {"base-url", "base_url", "api-key", "api_key"}:
                hint = "a pull request must not redirect the key: use the flag or the environment"
            raise ConfigError(f"{where}: unknown key `{key}`; {hint}")
        values[key.replace("-", "_")] = _value(key, value, where)
    return values


def _value(key: str, value: Any, where: str) -> Any:
    def wrong(expected: str) -> ConfigError:
        return ConfigError(f"{where}: `{key}` must be {expected}, not {_written(value)}")

    match key:
        case "specs" | "exclude" | "select" | "ignore" | "catalogs" | "suppressions":
            items = [value] if isinstance(value, str) else value
            if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
                raise wrong('a list of strings, such as ["…"]')
            return tuple(items)
        case "severity":
            if not isinstance(value, dict):
                raise wrong('a table, such as {MSG106 = "error"}')
            _refuse_settings(value, where, "severities")
            return {code: _severity(level, f"{where}: severity.{code}") for code, level in value.items()}
        case "per-file-ignores":
            if not isinstance(value, dict):
                raise wrong(_IGNORES)
            _refuse_settings(value, where, key)
            return {pattern: _ignored_codes(pattern, codes, where) for pattern, codes in value.items()}
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
        case "rate" if not isinstance(value, str) or not _is_rate(value):
            raise wrong('messages per s, min or h, such as "20/s" or "300/min"')
        case "timezone" if not isinstance(value, str) or not _is_zone(value):
            raise wrong('the name of a time zone, such as "America/New_York"')
        case "locale" if not isinstance(value, str) or not _is_locale(value):
            raise wrong('a string with the name of a locale, such as "en_US" or "de_DE"')
        case _:
            if not isinstance(value, str) or not value:
                raise wrong("a string")
            return value


def _written(value: object) -> str:
    """Return a value as TOML nearly has it; of a long one the beginning."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


_SHOWN = 60
"""Characters of a wrong value that are shown."""


def _is_rate(text: str) -> bool:
    from msgspec_runner.rates import parse_rate

    try:
        parse_rate(text)
    except UsageError:
        return False
    return True


_ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*")
_ZONES = "/usr/share/zoneinfo"
"""Where nearly every machine has its time zones: a look there spares the module, a millisecond of each command."""


def _is_zone(name: str) -> bool:
    if not _ZONE.fullmatch(name):
        return False
    try:
        with open(f"{_ZONES}/{name}", "rb") as file:  # noqa: PTH123 - no Path for it: it is one of each command's first steps
            if file.read(4) == b"TZif":
                return True
    except OSError:
        pass
    from msgspec_runner.templates.filters import find_zone
    from msgspec_runner.templates.problems import Refusal

    try:
        find_zone(name)
    except Refusal:
        return False
    return True


_LOCALE = re.compile(r"[a-z]{2,3}(?:_[A-Z]{2})?")


def _is_locale(name: str) -> bool:
    if _LOCALE.fullmatch(name.replace("-", "_")):
        from importlib.util import find_spec

        # Babel's own file says so without Babel, which takes 20 ms to load.
        babel = find_spec("babel")
        for folder in babel.submodule_search_locations or () if babel is not None else ():
            if os.path.isfile(f"{folder}/locale-data/{name.replace('-', '_')}.dat"):  # noqa: PTH113
                return True
    from msgspec_runner.templates.filters import find_locale
    from msgspec_runner.templates.problems import Refusal

    try:
        find_locale(name)
    except Refusal:
        return False
    return True


def read_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what the environment sets of :data:`OF_THE_CONFIGURATION`, checked, by the names of the Config.

    Raises:
        ConfigError: a variable holds what its setting may not.
    """
    values: dict[str, Any] = {}
    for setting in OF_THE_CONFIGURATION:
        text = environ.get(VARIABLES[setting], "").strip()
        if text:  # an empty one is a script's that was never set
            value = text.replace(",", " ").split() if setting in _LISTS else text
            values |= read_settings({setting: value}, VARIABLES[setting])
    return values


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
            raise ConfigError(f"{_misplaced(key, where, 'vars')}. A value for templates needs another name")


def _refuse_settings(table: Mapping[str, Any], where: str, name: str) -> None:
    """Refuse a setting that TOML reads as part of the table above it: no code and no pattern has such a name."""
    for key in table:
        if key in SETTINGS:
            raise ConfigError(_misplaced(key, where, name))


def _misplaced(key: str, where: str, table: str) -> str:
    place = "above the first [table]" if where == CONFIG_FILE else f"above its {table}"
    return f"{where}: `{key}` stands among the {table}, where it sets nothing: move it {place}"


_IGNORES = 'a table of lists, such as {"specs/old/*" = ["MSG106"]}'


def _ignored_codes(pattern: str, codes: Any, where: str) -> tuple[str, ...]:
    """Return the codes of one pattern of ``per-file-ignores``, which must be able to match a spec."""
    if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
        raise ConfigError(f"{where}: `per-file-ignores` must be {_IGNORES}; `{pattern}` has no list of codes")
    cure = _cured_pattern(pattern)
    if cure != pattern:
        how = f"write `{cure}`, relative to the project's root"
        if cure.endswith("/*") and not pattern.endswith("/*"):
            how = f"end it in .yaml or .yml, or write `{cure}` for a folder"
        raise ConfigError(f"{where}: per-file-ignores: `{pattern}` can match no spec: {how}")
    return tuple(codes)


def _cured_pattern(pattern: str) -> str:
    """Return the pattern that was meant: relative to the root, and of files, not of the folder that they lie in."""
    cured = normpath(f"/{pattern}").lstrip("/")
    last = cured.rpartition("/")[2]
    return cured if set(last) & set("*?[") or is_spec_name(last) else f"{cured}/*".lstrip("/")


def _severity(value: Any, where: str) -> Severity:
    try:
        return Severity(value)
    except ValueError:
        raise ConfigError(f"{where} must be one of error, warning, info, not {_written(value)}") from None
