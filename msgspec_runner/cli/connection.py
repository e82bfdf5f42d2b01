"""Which API and which ledger: flag over environment over configuration over default (contract, section 1)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import click

from msgspec_runner.cli.options import Function
from msgspec_runner.config import Config
from msgspec_runner.errors import ConfigError, UsageError
from msgspec_runner.settings import VARIABLES

DEFAULT_BASE_URL = "https://api.sociocs.com"
"""The API's documented base URL."""

KEY_VARIABLE = "SOCIOCS_API_KEY"
"""The environment variable that holds the API key. No flag's value ever does: it would be in the shell's history."""


@dataclass(frozen=True, slots=True)
class Api:
    """The API that messages go to.

    Attributes:
        base_url: checked.
        origin: as identities have it.
        loopback: whether it is on this machine.
    """

    base_url: str
    origin: str
    loopback: bool


def ledger_option(function: Function) -> Function:
    """Add ``--ledger``."""
    decorated: Function = click.option(
        "--ledger", metavar="PLACE", help="Instead of .msgspec-runner/ledger.db: a path, or postgresql://…"
    )(function)
    return decorated


def api_options(function: Function) -> Function:
    """Add ``--base-url`` and ``--ledger``."""
    function = ledger_option(function)
    decorated: Function = click.option("--base-url", metavar="URL", help=f"The API. Default: {DEFAULT_BASE_URL}")(
        function
    )
    return decorated


def choose_api(flag: str | None) -> Api:
    """Return the API of ``--base-url`` or ``MSGSPEC_RUNNER_BASE_URL``; no file of the project may name it.

    Raises:
        UsageError: it is no https URL, nor http on loopback.
    """
    from msgspec_runner.sociocs.origin import check_base_url, is_loopback, origin

    url = check_base_url(flag or os.environ.get(VARIABLES["base-url"]) or DEFAULT_BASE_URL)
    return Api(url, origin(url), is_loopback(url))


def choose_ledger(flag: str | None, config: Config) -> str | None:
    """Return where the ledger is; None for the default place.

    Raises:
        ConfigError: the configuration, which a pull request may change, names a file outside the project, or a server:
            numbers and bodies would go there.
    """
    chosen = flag or os.environ.get(VARIABLES["ledger"])
    if chosen or config.ledger is None:
        return chosen
    if "://" in config.ledger:
        raise ConfigError(
            "`ledger` in the configuration must be a file of the project: a pull request could send people's data to "
            "another server. Give the address with --ledger or MSGSPEC_RUNNER_LEDGER"
        )
    root = config.root.resolve()
    if not (root / config.ledger).resolve().is_relative_to(root):
        raise ConfigError("`ledger` in the configuration must lie inside the project; use --ledger for another place")
    return config.ledger


def shown_ledger(flag: str | None, location: str) -> str | None:
    """Return ``--ledger`` as it may be shown: without a password. None where the flag was not given.

    Args:
        flag: as it was typed.
        location: of the ledger that it led to.
    """
    return location if flag is not None and "://" in flag else flag


def read_api_key(file: Path | None, *, sandbox: bool = False) -> str:
    """Return the API key from ``--api-key-file`` or the environment.

    Args:
        file: of the flag.
        sandbox: the command has ``--sandbox``, which needs none.

    Raises:
        UsageError: there is none, or no HTTP header can carry it.
    """
    from msgspec_runner.sociocs.api_key import check_api_key

    if file is not None:
        try:
            key = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--api-key-file {file}: cannot be read") from error
    else:
        key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        hint = " `--sandbox` needs none." if sandbox else ""
        source = f"--api-key-file {file} is empty" if file is not None else f"no API key: set {KEY_VARIABLE}"
        raise UsageError(f"{source}, or use --api-key-file FILE.{hint} Nothing was sent.")
    return check_api_key(key)
