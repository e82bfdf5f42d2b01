"""Values that a shell completes, from the ledger; apart from the others, because the linter never loads a ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from msgspec_runner.cli.completing import offer, project_config, quietly
from msgspec_runner.cli.connection import choose_ledger
from msgspec_runner.ledger import DEFAULT_LEDGER
from msgspec_runner.ledger.glance import Glimpse, newest_runs

if TYPE_CHECKING:
    from msgspec_runner.cli.completing import Items

MOST_RUNS = 20
"""Runs that are offered, the newest."""


@quietly
def runs(context: click.Context, parameter: click.Parameter, begun: str) -> Items:
    """Offer the newest runs of a ledger in a file, and ``latest``; a server is not asked."""
    from msgspec_runner.cli.runs import LATEST

    found = [(run.id, f"{run.status}: {', '.join(run.specs)}") for run in _glance(context)]
    return offer(begun, [(LATEST, "the run that began last"), *found] if found else [])


@quietly
def sent_specs(context: click.Context, parameter: click.Parameter, begun: str) -> Items:
    """Offer the ids of specs that were sent lately."""
    return offer(begun, ((spec, "") for spec in sorted({spec for run in _glance(context) for spec in run.specs})))


def _glance(context: click.Context) -> tuple[Glimpse, ...]:
    config = project_config(context.params.get("profile"))
    place = choose_ledger(context.params.get("ledger"), config) or DEFAULT_LEDGER
    return () if "://" in place else newest_runs(config.root / Path(place).expanduser(), MOST_RUNS)
